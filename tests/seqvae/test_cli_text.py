"""Sentences at the command line: what is typed, what is a file, what is printed and written."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from seqvae.cli import command
from seqvae.text.codec import TextCodec
from seqvae.text.domain import DOMAIN
from seqvae.text.network import SentenceArchitecture, SentenceVAE
from vaecore.config import ModelConfig

SENTENCES = [
    "A man plays a guitar .",
    "Two dogs run on the beach .",
    "A woman is singing in the street.",
    "Children play in the sand.",
]


@pytest.fixture(scope="module")
def text_box(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A box with one tiny untrained model, `lines`."""
    folder = tmp_path_factory.mktemp("box")
    codec = TextCodec.learn(SENTENCES * 3, steps=16, classes=80)
    sizes = {"latent_dim": 6, "embedding_dim": 8, "encoder_dim": 8, "decoder_dim": 8}
    architecture = SentenceArchitecture(codec.steps, codec.classes, **sizes)
    torch.manual_seed(1)
    model = SentenceVAE(architecture)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(3)
    config = ModelConfig(
        domain="seqvae",
        name="lines",
        representation=codec.config,
        architecture=asdict(architecture),
        objective={},
        description="sentences, tiny and untrained",
        attributes={"length": "longer"},
    )
    DOMAIN.save(folder / "lines", model, config, {"length": torch.linspace(-2, 2, 6)})
    return folder


@pytest.fixture
def run(text_box, use_box, monkeypatch, tmp_path):
    """Run a verb in an empty folder: `run("sample", "-n", 2, code=0)`."""
    use_box(text_box)
    monkeypatch.chdir(tmp_path)

    def call(*arguments: object, code: int = 0):
        result = CliRunner().invoke(command(), list(map(str, arguments)))
        assert result.exit_code == code, result.output
        return result

    return call


def facts(result) -> dict:
    return json.loads(result.stdout)


def test_interpolate_prints_the_sentences_between(run, tmp_path) -> None:
    lines = run("interpolate", *SENTENCES[:2], "--steps", 5).stdout.splitlines()
    assert lines[0] == "lines  for text"
    assert [line.strip() for line in lines[1:3]] == SENTENCES[:2]
    numbered = [line.split()[0] for line in lines[4:9]]
    assert numbered == ["1", "2", "3", "4", "5"]
    assert "5 steps · 5 sentences" in lines[-1]
    assert not list(tmp_path.iterdir())
    report = facts(run("interpolate", *SENTENCES[:2], "--steps", 5, "--json"))
    assert [line.split(maxsplit=1)[1] for line in lines[4:9]] == report["sentences"]
    assert report["files"] == []
    assert [i["sentence"] for i in report["windows"][0]["inputs"]] == SENTENCES[:2]
    kept = facts(run("reconstruct", *SENTENCES[:2], "--json"))
    assert [report["sentences"][0], report["sentences"][-1]] == kept["sentences"]
    assert 0 <= kept["pieces_kept"] <= 1


def test_output_names_a_file(run) -> None:
    run("sample", "-n", 3, "--model", "lines", "-o", "new.txt", "-q")
    written = Path("new.txt").read_text(encoding="utf-8").splitlines()
    assert written == facts(run("sample", "-n", 3, "--model", "lines", "--json"))["sentences"]
    assert "end in .txt" in run("sample", "--model", "lines", "-o", "new.mid", code=2).stderr


def test_files_are_read_line_by_line(run) -> None:
    Path("a.txt").write_text("\n".join(SENTENCES[:3]), encoding="utf-8")
    Path("b.txt").write_text("\n".join([SENTENCES[3], "man " * 40, SENTENCES[0]]), encoding="utf-8")
    report = facts(run("interpolate", "a.txt", "b.txt", "--steps", 3, "--json"))
    assert len(report["sentences"]) == 6
    taken = [[i["sentence"] for i in window["inputs"]] for window in report["windows"]]
    assert taken == [[SENTENCES[0], SENTENCES[3]], [SENTENCES[1], SENTENCES[0]]]
    assert report["windows"][0]["inputs"][0]["file"] == "a.txt"
    text = run("reconstruct", "a.txt").stdout
    assert [line.split()[0] for line in text.splitlines()[4:10]] == ["given", "kept"] * 3
    assert facts(run("interpolate", "a.txt", SENTENCES[1], "--json"))["steps"] == 9


@pytest.mark.parametrize(
    "arguments",
    [
        ["palette", *SENTENCES, "--rows", "2", "--columns", "3"],
        ["similar", SENTENCES[0], "-n", "2"],
        ["edit", SENTENCES[0], "--add", "length=1"],
        ["edit", SENTENCES[0], "--add", "length=1", "--sweep=-1:1:3"],
        ["reconstruct", *SENTENCES, "--temperature", "1"],
    ],
)
def test_every_verb_prints_what_it_made(run, arguments: list[str]) -> None:
    text = run(*arguments).stdout
    made = facts(run(*arguments, "--json"))["sentences"]
    assert made
    for sentence in made:
        assert sentence in text
    if arguments[0] in ("similar", "edit", "reconstruct"):
        assert f"given  {SENTENCES[0]}" in text


def test_an_own_attribute(run) -> None:
    Path("with.txt").write_text("\n".join(SENTENCES[1:]), encoding="utf-8")
    run("attribute", "--with", "with.txt", "--without", SENTENCES[0], "--name", "several")
    report = facts(
        run("edit", SENTENCES[0], "--vectors", "several.safetensors", "--add=several=1", "--json")
    )
    assert len(report["sentences"]) == 1


def test_analyze_and_evaluate(run) -> None:
    Path("all.txt").write_text("\n".join([*SENTENCES, SENTENCES[0]]), encoding="utf-8")
    assert facts(run("analyze", "all.txt", "--json"))["examples"] == 5
    report = facts(run("evaluate", "lines", "all.txt", "--json"))
    assert (report["examples"], report["files"], report["left_out"]) == (4, 1, 0)
    shares = ("teacher_forced", "sampled", "greedy", "event")
    assert all(0 <= report[f"{name}_accuracy"] <= 1 for name in shares)
    assert 0 <= report["words_kept"] <= 1
    assert report["nll"] > 0
    assert report["kl_nats"] > 0
    assert report["perplexity"] > 1
    assert report["bound"] >= report["elbo"]
    assert facts(run("evaluate", "all.txt", "--json"))["model"] == "lines"


@pytest.mark.parametrize(
    ("arguments", "reason", "code"),
    [
        (["captions.txt", SENTENCES[0]], "captions.txt: does not exist; check the name", 1),
        (["rock.mid", SENTENCES[0]], "rock.mid: does not exist", 1),
        (["mistyped", SENTENCES[0]], "mistyped: does not exist", 1),
        ([SENTENCES[0], "man " * 40], "has 40 pieces of words, the model reads 16", 1),
        ([SENTENCES[0], "A Ж plays ."], "A Ж plays .: has 'Ж', which the model", 1),
        ([*SENTENCES[:2], "--png"], "--png is for music, not for sentences", 2),
        ([*SENTENCES[:2], "--bar", "2"], "--bar is for music", 2),
        ([*SENTENCES[:2], "--model", "nope"], "no model 'nope'", 2),
        (["empty.txt", SENTENCES[0]], "empty.txt: is empty", 1),
        (["--model", "lines", "binary.txt", SENTENCES[0]], "binary.txt: is not UTF-8 text", 1),
    ],
)
def test_what_cannot_be_done(run, arguments: list[str], reason: str, code: int) -> None:
    Path("empty.txt").write_bytes(b"")
    Path("binary.txt").write_bytes(b"\xff\xfe\x00")
    before = sorted(Path().iterdir())
    (line,) = run("interpolate", *arguments, code=code).stderr.splitlines()
    assert reason in line
    assert sorted(Path().iterdir()) == before


def test_one_word_is_a_sentence_for_a_text_model(run) -> None:
    assert facts(run("reconstruct", "Guitar", "--model", "lines", "--json"))["sentences"]


def test_a_sentence_too_long_for_a_file_name(run) -> None:
    text = run("reconstruct", "a man plays " * 100, code=1).stderr
    assert "pieces of words" in text
