"""Models of twelve steps a bar: chosen by the bars of files, with the metres of results."""

from __future__ import annotations

import json
from pathlib import Path

import pretty_midi
import pytest
from click.testing import CliRunner, Result

import seqvae
from seqvae.cli import command
from seqvae.cli.music import MusicPresentation
from seqvae.music.domain import DOMAIN
from seqvae.music.page.data import lengths

CASES = Path(__file__).resolve().parents[1] / "cases"
SHOW = MusicPresentation(DOMAIN)
TWO = ("--model", "melody_2bar_ternary", "--timing", "latent")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: object, code: int = 0) -> Result:
    result = CliRunner().invoke(command(), [str(a) for a in arguments])
    assert result.exit_code == code, result.output
    return result


def meters(path: Path) -> list[tuple[int, int]]:
    changes = pretty_midi.PrettyMIDI(str(path)).time_signature_changes
    return [(each.numerator, each.denominator) for each in changes]


@pytest.mark.parametrize(
    ("names", "model"),
    [
        ("waltz jig", "melody_16bar_ternary"),
        ("blues", "drums_2bar_ternary"),
        ("garden voyage", "melody_16bar"),
        ("sunrise alley", "melody_2bar"),
    ],
)
def test_bars_decide_on_the_model(examples: Path, names: str, model: str) -> None:
    paths = [examples / f"{name}.mid" for name in names.split()]
    assert SHOW.choose_model(SHOW.read(paths, {}), {}).model == model


@pytest.mark.parametrize(
    ("name", "metre"),
    [
        ("meter_6_8", "6/8"),
        ("meter_12_8", "12/8"),
        ("waltz_meter_in_second_track", "3/4"),
        ("melody_triplets", "4/4 in triplets"),
        ("drums_triplet_shuffle", "4/4 in triplets"),
    ],
)
def test_cases_of_other_metres_are_taken(name: str, metre: str, here: Path) -> None:
    result = run("reconstruct", CASES / f"{name}.mid", "-o", "x.mid")
    assert f"bpm · {metre}" in result.stdout
    assert "12 steps a bar" in result.stdout
    above, below = metre.split()[0].split("/")
    assert meters(here / "x.mid") == [(int(above), int(below))]


def test_a_waltz_becomes_a_jig_and_the_metre_changes_half_way(examples: Path, here: Path) -> None:
    files = (examples / "waltz.mid", examples / "jig.mid")
    stdout = run("interpolate", *files, *TWO, "--steps", 4, "-o", "x.mid").stdout
    assert "bars 1-2 of 16 · 156 bpm · 3/4" in stdout
    assert "bars 1-2 of 16 · 168 bpm · 6/8" in stdout
    assert meters(here / "x.mid") == [(3, 4), (6, 8)]


def test_three_four_with_four_four_is_refused_with_a_remedy_that_works(
    examples: Path, here: Path
) -> None:
    files = (examples / "waltz.mid", examples / "sunrise.mid")
    (line,) = run("interpolate", *files, code=1).stderr.splitlines()
    assert "is in 3/4, but" in line
    assert "add --grid 12" in line
    run("interpolate", *files, *TWO, "--grid", 12, "--steps", 3, "-o", "x.mid")
    assert meters(here / "x.mid")[0] == (3, 4)


def test_samples_have_the_bars_that_are_asked_for(here: Path) -> None:
    sample = ("sample", "-n", 2, "--model", "melody_2bar_ternary", "-o")
    run(*sample, "x.mid")
    run(*sample, "y.mid", "--meter", "6/8", "--bpm", 180)
    assert (meters(here / "x.mid"), meters(here / "y.mid")) == ([(3, 4)], [(6, 8)])
    midi = pretty_midi.PrettyMIDI(str(here / "y.mid"))
    assert midi.get_tempo_changes()[1] == pytest.approx([180], rel=1e-5)
    error = run(*sample, "z.mid", "--meter", "5/4", code=2).stderr
    assert "--meter: the model has no bars of 5/4; choose 4/4, 3/4, 6/8, 12/8" in error
    assert not (here / "z.mid").exists()


def test_velocities_of_melodies_are_kept(examples: Path, here: Path) -> None:
    run("reconstruct", examples / "waltz.mid", *TWO[:2], "-o", "x.mid")
    score = pretty_midi.PrettyMIDI(str(examples / "waltz.mid"))
    played = {(round(n.start, 2), n.pitch): n.velocity for n in score.instruments[0].notes}
    found = pretty_midi.PrettyMIDI(str(here / "x.mid")).instruments[0].notes
    kept = [
        (played[place], n.velocity)
        for n in found
        if (place := (round(n.start, 2), n.pitch)) in played
    ]
    assert len(kept) >= 4
    assert all(before == after for before, after in kept)
    assert len({after for _, after in kept}) > 1


def test_pages_have_the_bars_and_beats_of_the_metre(examples: Path) -> None:
    space = seqvae.load("melody_2bar_ternary").as_examples()
    waltz, jig = (space.codec.read(examples / f"{name}.mid").first for name in ("waltz", "jig"))
    assert lengths(space.codec, waltz) == {"bar": 3 * 480, "beat": 480}
    assert lengths(space.codec, jig) == {"bar": 3 * 480, "beat": 720}
    blues = seqvae.load("drums_2bar_ternary").codec
    assert lengths(blues, blues.read(examples / "blues.mid").first) == {"bar": 1920, "beat": 480}


def test_every_verb_takes_a_waltz(examples: Path, here: Path) -> None:
    waltz, jig = examples / "waltz.mid", examples / "jig.mid"
    two = TWO[:2]
    for verb in (
        ("palette", waltz, jig, *two, "--columns", 3),
        ("edit", waltz, *two, "--add", "average_pitch=1"),
        ("similar", waltz, *two, "-n", 1),
        ("interpolate", waltz, jig, *TWO, "--steps", 3, "-o", "x.html"),
        ("reconstruct", waltz, *two, "--all", "--png"),
    ):
        report = json.loads(run(*verb, "--json").stdout)
        assert report["model"] == "melody_2bar_ternary"
        assert all(Path(file).stat().st_size > 100 for file in report["files"])
