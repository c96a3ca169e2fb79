"""Models on the Hugging Face hub: what is fetched, what is refused, what is pushed."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner, Result
from hub_server import Hub, Repository, serving

pytest.importorskip("huggingface_hub")
from huggingface_hub import constants

import seqvae
from seqvae.cli import command
from vaecore import hub as on_hub
from vaecore.errors import DataError, UsageError
from vaecore.folder import ATTRIBUTES, CARD, DIRECTIONS, PRIOR, WEIGHTS


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    """A hub on loopback, an empty cache, and nobody logged in."""
    with serving() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
        monkeypatch.delenv("HF_TOKEN", raising=False)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        yield hub


@pytest.fixture
def files(tiny_drums: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in tiny_drums.iterdir() if path.is_file()}


@pytest.fixture
def model(hub: Hub, files: dict[str, bytes]) -> Repository:
    """A model on the hub, with more in its repository than a model folder has."""
    repository = hub.repositories["ada/beats"] = Repository()
    extra = {"pytorch_model.bin": pickle.dumps("bang"), "weights/evil.pkl": b"bang"}
    repository.commit({**files, **extra, "train.py": b"import os"})
    return repository


def run(*arguments: object, code: int = 0) -> Result:
    result = CliRunner().invoke(command(), [str(each) for each in arguments])
    assert result.exit_code == code, result.output
    return result


def test_a_model_of_the_hub_is_a_model(hub: Hub, model: Repository, tiny_drums: Path) -> None:
    space, own = seqvae.load("hf://ada/beats"), seqvae.load(tiny_drums)
    z = own.sample_codes(4)
    assert torch.equal(space.decode_to_examples(z), own.decode_to_examples(z))
    assert space.attributes.keys() == own.attributes.keys()


def test_every_file_of_a_model_folder_travels() -> None:
    assert {*on_hub.FILES} == {"config.json", WEIGHTS, ATTRIBUTES, PRIOR, DIRECTIONS, CARD}


def test_only_files_of_a_model_folder_are_fetched(
    hub: Hub, model: Repository, files: dict[str, bytes]
) -> None:
    seqvae.load("hf://ada/beats")
    assert sorted(hub.fetched()) == sorted(set(files) & set(on_hub.FILES))
    assert not any("bin" in request or "pkl" in request for request in hub.requests)


def test_what_was_fetched_is_not_fetched_again(hub: Hub, model: Repository) -> None:
    seqvae.load("hf://ada/beats")
    first = len(hub.fetched())
    seqvae.load("hf://ada/beats")
    assert len(hub.fetched()) == first


def test_a_revision(hub: Hub, model: Repository, files: dict[str, bytes]) -> None:
    old = model.branches["main"]
    config = json.loads(files["config.json"])
    model.commit({"config.json": json.dumps({**config, "name": "newer"}).encode()})
    assert seqvae.load("hf://ada/beats").name == "newer"
    assert seqvae.load(f"hf://ada/beats@{old}").name == config["name"]
    with pytest.raises(DataError, match="no such revision"):
        seqvae.load("hf://ada/beats@never")


def test_without_a_network_the_copy_is_taken(
    hub: Hub, model: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = seqvae.load("hf://ada/beats").name
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert seqvae.load("hf://ada/beats").name == name
    with pytest.raises(DataError, match="cannot be fetched") as error:
        seqvae.load("hf://ada/other")
    assert "\n" not in str(error.value)


def test_offline_by_the_hubs_own_setting(
    hub: Hub, model: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    seqvae.load("hf://ada/beats")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    asked = len(hub.requests)
    seqvae.load("hf://ada/beats")
    assert len(hub.requests) == asked
    with pytest.raises(DataError, match="HF_HUB_OFFLINE"):
        seqvae.load("hf://ada/other")


@pytest.mark.parametrize(
    ("reference", "text"),
    [("hf://ada/missing", "no such model"), ("hf://bob/secret", "no such model")],
)
def test_missing_or_private(hub: Hub, reference: str, text: str) -> None:
    hub.repositories["bob/secret"] = Repository(private=True)
    result = run("sample", "--model", reference, code=1)
    assert text in result.output
    assert "hf auth login" in result.output
    assert len(result.output.splitlines()) == 1


def test_a_private_model_with_a_token(
    hub: Hub, files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.repositories["bob/secret"] = Repository(private=True)
    hub.repositories["bob/secret"].commit(files)
    monkeypatch.setenv("HF_TOKEN", hub.token)
    assert seqvae.load("hf://bob/secret").latent_dim


@pytest.mark.parametrize(
    "reference",
    ["hf://ada", "hf://ada/a/b", "hf://../beats", "hf://ada/..", "hf://ada/b@", "hf://a b/c",
     "hf://ada/beats@../main", "hf:///x"],
)  # fmt: skip
def test_names_that_are_none(hub: Hub, reference: str) -> None:
    with pytest.raises(UsageError, match="hf://OWNER/NAME"):
        seqvae.load(reference)
    assert hub.requests == []


def test_what_is_too_large_is_not_fetched(hub: Hub, model: Repository) -> None:
    model.lies["weights.safetensors"] = 1 << 40
    with pytest.raises(DataError, match="larger than"):
        seqvae.load("hf://ada/beats")
    assert "weights.safetensors" not in hub.fetched()


def test_a_repository_of_another_kind(hub: Hub) -> None:
    hub.repositories["ada/llm"] = Repository()
    hub.repositories["ada/llm"].commit({"pytorch_model.bin": b"bang"})
    with pytest.raises(DataError, match=r"no config\.json"):
        seqvae.load("hf://ada/llm")
    assert hub.fetched() == []


def test_a_tampered_model_is_refused(hub: Hub, model: Repository, files: dict[str, bytes]) -> None:
    model.commit({"weights.safetensors": pickle.dumps({"a": 1})})
    with pytest.raises(DataError, match="safetensors"):
        seqvae.load("hf://ada/beats")


def test_push_and_load(
    hub: Hub, tiny_drums: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    for path in tiny_drums.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "README.md").write_text("# Beats\n")
    (folder / "last.ckpt").write_bytes(pickle.dumps("bang"))
    monkeypatch.setenv("HF_TOKEN", hub.token)
    result = run("push", folder, "ada/new")
    assert f"{hub.endpoint}/ada/new" in result.output
    assert hub.token not in result.output
    repository = hub.repositories["ada/new"]
    there = repository.commits[repository.branches["main"]]
    assert set(there) <= {*on_hub.FILES, ".gitattributes"}
    assert there["weights.safetensors"] == (folder / "weights.safetensors").read_bytes()
    card = there["README.md"].decode()
    assert card.startswith("---\nlibrary_name: seqvae\n")
    assert card.endswith("# Beats\n")
    assert not repository.private
    space, own = seqvae.load("hf://ada/new"), seqvae.load(folder)
    z = own.sample_codes(2)
    assert torch.equal(space.decode_to_examples(z), own.decode_to_examples(z))
    run("push", folder, "ada/new")  # again: there is a repository already
    run("push", folder, "ada/hidden", "--private", "--json")
    assert hub.repositories["ada/hidden"].private


def test_push_without_a_token(hub: Hub, tiny_drums: Path) -> None:
    result = run("push", tiny_drums, "ada/new", "--quiet", code=1)
    assert "hf auth login" in result.output
    assert len(result.output.splitlines()) == 1
    assert hub.repositories == {}


def test_push_without_a_network(
    hub: Hub, tiny_drums: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    result = run("push", tiny_drums, "ada/new", "--quiet", code=1)
    assert "cannot be pushed" in result.output
    assert len(result.output.splitlines()) == 1


def test_push_of_a_broken_folder_asks_nothing_of_the_hub(hub: Hub, tmp_path: Path) -> None:
    run("push", tmp_path, "ada/new", code=1)
    assert hub.requests == []


def test_without_the_package(hub: Hub, monkeypatch: pytest.MonkeyPatch, model: Repository) -> None:
    monkeypatch.setattr(on_hub, "find_spec", lambda name: None)
    with pytest.raises(DataError, match=r"seqvae\[hub\]"):
        seqvae.load("hf://ada/beats")
