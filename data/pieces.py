"""The music of the examples, composed for this project; `make_examples.py` writes it as MIDI.

Drums are lanes of one character per step: `X` accent, `x` hit, `o` ghost note, `.` nothing.
Performances have a digit for each hit instead, 1 soft to 9 loud, and say how they are timed.
Melodies are notes with their length in steps (`Bb4/6`), and `-/2` for a rest; so are basses.
A step is a 16th, but in bars of 4/4 with twelve steps a triplet of an eighth.
Chords are notes that are struck together (`C4+E4+G4/4`).
"""

from __future__ import annotations

from typing import NamedTuple

Bar = dict[str, str]


class Drums(NamedTuple):
    tempo: float
    bars: list[Bar]
    steps: int = 16  # of a bar


class Performance(NamedTuple):
    """Drums that are played: how late each lane is, in 16ths, and 16ths between the 8ths beside."""

    tempo: float
    bars: list[Bar]
    swing: float
    late: dict[str, float]
    waver: float  # standard deviation of the timing


class Melody(NamedTuple):
    tempo: float
    program: int  # General MIDI, counted from 0
    bars: list[str]
    meter: tuple[int, int] = (4, 4)


class Chords(NamedTuple):
    tempo: float
    program: int
    bars: list[str]  # of the right hand, or of all
    left: list[str]


class Trio(NamedTuple):
    tempo: float
    program: int
    bars: list[str]  # of the melody
    bass_program: int
    bass: list[str]
    drums: list[Bar]


ROCK = [
    {
        "crash": "X...............",
        "closed": "..x.X.x.X.x.X.x.",
        "snare": "....X.......X...",
        "kick": "X.......X.x.....",
    },
    {
        "closed": "X.x.X.x.X.x.X...",
        "open": "..............x.",
        "snare": "....X.......X..x",
        "kick": "X.....x.X.x.....",
    },
]

FUNK = [
    {
        "closed": "xoxoxoxoxoxoxoxo",
        "snare": "....X..o.o..X..o",
        "kick": "X.x.......x..x..",
    },
    {
        "closed": "xoxoxoxoxoxoxo..",
        "open": "..............x.",
        "snare": "....X..o.o.oX..o",
        "kick": "X.x....x..x.....",
    },
]

BOSSA = [
    {"closed": "x.o.x.o.x.o.x.o.", "rim": "X.....x.....x...", "kick": "X.....x.X.....x."},
    {"closed": "x.o.x.o.x.o.x.o.", "rim": "....x.....x.....", "kick": "X.....x.X.....x."},
]

HOUSE = [
    {
        "closed": "x..ox..ox..ox..o",
        "open": "..X...X...X...X.",
        "clap": "....X.......X...",
        "kick": "X...X...X...X...",
    },
    {
        "closed": "x..ox..ox..ox..o",
        "open": "..X...X...X...X.",
        "clap": "....X.......X..x",
        "snare": ".............o.o",
        "kick": "X...X...X...X...",
    },
]

PARADE_HATS = {
    "closed": "X.o.X.o.X.o.X.o.",
    "snare": "....X.......X..o",
    "kick": "X.....x.X..x....",
}
PARADE_RIDE = {
    "ride": "X.x.X.x.X.x.X.x.",
    "snare": "....X..o....X.o.",
    "kick": "X.x.....X.x....x",
}
PARADE_TURN = {
    "closed": "X.x.X.x.........",
    "snare": "....X...xoxo....",
    "high tom": "............X...",
    "mid tom": ".............x..",
    "low tom": "..............xX",
    "kick": "X.......X.......",
}
PARADE_END = {
    "crash": "X..X..X.........",
    "kick": "X..X..X.....X...",
    "snare": "........xx......",
    "high tom": "..........xx....",
    "low tom": "............X...",
}
PARADE = [
    PARADE_HATS | {"crash": "X...............", "closed": "..o.X.o.X.o.X.o."},
    PARADE_HATS,
    PARADE_HATS,
    PARADE_TURN,
    PARADE_RIDE | {"crash": "X...............", "ride": "..x.X.x.X.x.X.x."},
    PARADE_RIDE,
    PARADE_RIDE,
    PARADE_END,
]

# C major: up the triad, home by step.
SUNRISE = [
    "E4/2 G4/2 C5/4 B4/2 A4/2 G4/4",
    "A4/2 G4/2 F4/2 E4/2 D4/4 C4/4",
]

# D minor: threes against the beat, a chromatic neighbour, rests that breathe.
ALLEY = [
    "D4/3 F4/3 A4/2 -/2 G#4/1 A4/3 -/2",
    "C5/3 A4/3 G4/2 -/2 F4/2 E4/1 D4/3",
]

# A minor 9 and F major 9, broken over two octaves.
FOUNTAIN = [
    "A3/2 E4/2 B4/2 C5/2 E5/2 B5/2 E5/2 C5/2",
    "F3/2 C4/2 A4/2 C5/2 E5/2 A5/2 G5/4",
]

# G major: long notes, one sigh in each bar.
HARBOUR = [
    "D5/6 B4/2 C5/4 A4/4",
    "B4/3 C5/1 E5/6 D5/6",
]

# F major, AABA: the first A ends open on the dominant, the second closes.
GARDEN_OPENING = [
    "C5/4 A4/2 F4/2 G4/4 A4/4",
    "Bb4/6 A4/2 G4/8",
    "A4/4 F4/2 D4/2 E4/4 F4/4",
]
GARDEN_OPEN = "G4/6 F4/2 E4/4 C4/4"
GARDEN_CLOSE = "G4/4 E4/4 F4/8"
GARDEN_BRIDGE = [
    "D5/4 D5/2 C5/2 A4/4 F4/4",
    "Bb4/4 Bb4/2 A4/2 G4/8",
    "C5/4 C5/2 Bb4/2 G4/4 E4/4",
    "A4/2 B4/2 C5/4 D5/4 E5/4",
]
GARDEN = [
    *GARDEN_OPENING, GARDEN_OPEN,
    *GARDEN_OPENING, GARDEN_CLOSE,
    *GARDEN_BRIDGE,
    *GARDEN_OPENING, GARDEN_CLOSE,
]  # fmt: skip

# A minor, AABA: 3 + 3 + 2 in the A, a falling sequence off the beat in the bridge.
VOYAGE_OPENING = [
    "A4/3 B4/3 C5/2 E5/4 D5/4",
    "C5/3 B4/3 G4/2 A4/8",
    "F4/3 G4/3 A4/2 C5/4 B4/4",
]
VOYAGE_OPEN = "A4/3 G4/3 F4/2 E4/8"
VOYAGE_CLOSE = "C5/3 B4/3 G#4/2 A4/8"
VOYAGE_BRIDGE = [
    "-/2 E5/2 F5/2 E5/2 D5/4 C5/4",
    "-/2 D5/2 E5/2 D5/2 C5/4 B4/4",
    "-/2 C5/2 D5/2 C5/2 B4/4 A4/4",
    "G#4/4 B4/4 D5/4 E5/4",
]
VOYAGE = [
    *VOYAGE_OPENING, VOYAGE_OPEN,
    *VOYAGE_OPENING, VOYAGE_CLOSE,
    *VOYAGE_BRIDGE,
    *VOYAGE_OPENING, VOYAGE_CLOSE,
]  # fmt: skip

# D major, AABA: a call of two bars, an answer of two; the bridge climbs twice.
MORNING_CALL = [
    "D5/4 F#5/2 A5/2 A5/4 F#5/4",
    "G5/4 B5/2 A5/2 G5/8",
]
MORNING_OPEN = ["F#5/4 E5/2 D5/2 F#5/4 A5/4", "E5/8 -/4 A4/4"]
MORNING_CLOSE = ["E5/4 F#5/2 G5/2 F#5/4 E5/4", "D5/12 -/4"]
MORNING = [
    *MORNING_CALL, *MORNING_OPEN,
    *MORNING_CALL, *MORNING_CLOSE,
    "B4/4 D5/2 F#5/2 B5/4 A5/4",
    "A5/6 F#5/2 C#5/8",
    "B4/4 D5/2 G5/2 B5/4 A5/4",
    "G5/4 F#5/4 E5/4 C#5/4",
    *MORNING_CALL, "E5/4 F#5/2 G5/2 F#5/4 E5/4", "D5/16",
]  # fmt: skip

# E minor: each high call has a low answer; a sequence falls in the middle.
EVENING_CALL = "B4/3 E5/3 F#5/2 G5/6 F#5/2"
EVENING = [
    EVENING_CALL, "E5/8 D5/4 B4/4", "G4/3 A4/3 B4/2 C5/6 B4/2", "A4/8 -/4 B4/4",
    EVENING_CALL, "A5/6 G5/2 F#5/4 E5/4", "C5/3 B4/3 A4/2 G4/4 F#4/4", "E4/12 -/4",
    "G5/4 -/2 G5/2 F#5/2 E5/2 D5/4",
    "F#5/4 -/2 F#5/2 E5/2 D5/2 A4/4",
    "E5/4 -/2 E5/2 D5/2 C5/2 G4/4",
    "F#4/4 A4/4 B4/4 D#5/4",
    EVENING_CALL, "A5/6 G5/2 F#5/4 E5/4", "C5/3 B4/3 A4/2 G4/4 D#4/4", "E4/16",
]  # fmt: skip

# A minor, AABA: Am Dm E7 Am, and in the bridge round the fifths, Dm G7 C E7.
CAFE_OPENING = [
    "-/2 E5/2 C5/3 A4/3 B4/2 C5/4",
    "D5/6 A4/2 F5/4 E5/4",
    "-/2 D5/2 B4/3 G#4/3 A4/2 B4/4",
]
CAFE_OPEN = "C5/6 B4/2 A4/8"
CAFE_CLOSE = "A4/3 B4/3 G#4/2 A4/8"
CAFE = [
    *CAFE_OPENING, CAFE_OPEN,
    *CAFE_OPENING, CAFE_CLOSE,
    "-/2 F5/2 F5/3 E5/3 D5/2 A4/4",
    "B4/6 D5/2 F5/4 D5/4",
    "-/2 E5/2 E5/3 D5/3 C5/2 G4/4",
    "G#4/4 B4/4 D5/4 F5/4",
    *CAFE_OPENING, CAFE_CLOSE,
]  # fmt: skip
CAFE_AM, CAFE_DM = "A2/6 E2/2 E2/6 A2/2", "D2/6 A2/2 A2/6 D2/2"
CAFE_E, CAFE_G, CAFE_C = "E2/6 B2/2 B2/6 E2/2", "G2/6 D2/2 D2/6 G2/2", "C2/6 G2/2 G2/6 C2/2"
CAFE_BASS = [
    CAFE_AM, CAFE_DM, CAFE_E, CAFE_AM,
    CAFE_AM, CAFE_DM, CAFE_E, CAFE_AM,
    CAFE_DM, CAFE_G, CAFE_C, CAFE_E,
    CAFE_AM, CAFE_DM, CAFE_E, "A2/6 E2/2 A1/8",
]  # fmt: skip
CAFE_FILL = {
    "closed": "x.o.x.o.........",
    "rim": "....x...........",
    "snare": "........x.x.....",
    "high tom": "............x...",
    "low tom": "..............x.",
    "kick": "X.....x.X.....x.",
}
CAFE_END = {"crash": "X...............", "rim": "....x.....x.....", "kick": "X.....x.X......."}
CAFE_DRUMS = [
    *BOSSA, *BOSSA, *BOSSA, BOSSA[0], CAFE_FILL,
    *BOSSA, BOSSA[0], CAFE_FILL,
    *BOSSA, BOSSA[0], CAFE_END,
]  # fmt: skip

# G major, AABA: G G C G and G G D G, in the bridge C C G D; the bass walks into the changes.
TRAIN_CALL = [
    "G4/2 B4/2 D5/4 E5/2 D5/2 B4/4",
    "D5/2 E5/2 G5/4 E5/2 D5/6",
]
TRAIN_ANSWER = "A4/2 B4/2 C5/4 B4/2 A4/2 F#4/4"
TRAIN = [
    *TRAIN_CALL, "E5/2 E5/2 G5/4 E5/2 C5/2 E5/4", "D5/4 B4/4 G4/4 -/4",
    *TRAIN_CALL, TRAIN_ANSWER, "G4/12 -/4",
    "C5/2 E5/2 G5/6 E5/2 C5/4",
    "E5/2 G5/2 A5/6 G5/2 E5/4",
    "D5/2 G5/2 B5/6 A5/2 G5/4",
    "F#5/4 E5/2 D5/2 A4/4 D5/4",
    *TRAIN_CALL, TRAIN_ANSWER, "G4/16",
]  # fmt: skip
TRAIN_G, TRAIN_C, TRAIN_D = (
    "G2/4 D2/4 G2/4 D2/4",
    "C3/4 G2/4 C3/4 G2/4",
    "D2/4 A2/4 D2/4 A2/4",
)
TRAIN_UP, TRAIN_DOWN = "G2/4 D2/4 A2/4 B2/4", "G2/4 G2/4 F#2/4 E2/4"
TRAIN_BASS = [
    TRAIN_G, TRAIN_UP, TRAIN_C, TRAIN_G,
    TRAIN_G, TRAIN_DOWN, TRAIN_D, TRAIN_UP,
    TRAIN_C, TRAIN_C, TRAIN_DOWN, TRAIN_D,
    TRAIN_G, TRAIN_DOWN, TRAIN_D, "G2/4 D2/4 G2/8",
]  # fmt: skip
TRAIN_BEAT = {"snare": "ooXoooXoooXoooXo", "kick": "X...X...X...X..."}
TRAIN_START = {"crash": "X..............."} | TRAIN_BEAT
TRAIN_FILL = {"snare": "ooXoooXoXoXoXXXX", "kick": "X...X...X...X..."}
TRAIN_END = {"crash": "X...X...........", "snare": "X...X...........", "kick": "X...X..........."}
TRAIN_DRUMS = [
    TRAIN_START, TRAIN_BEAT, TRAIN_BEAT, TRAIN_FILL,
    TRAIN_BEAT, TRAIN_BEAT, TRAIN_BEAT, TRAIN_FILL,
    TRAIN_START, TRAIN_BEAT, TRAIN_BEAT, TRAIN_FILL,
    TRAIN_START, TRAIN_BEAT, TRAIN_BEAT, TRAIN_END,
]  # fmt: skip

SHUFFLE = [
    {
        "closed": "7.3.6.3.7.3.6.34",
        "snare": "....8..2.2..8..2",
        "kick": "8..5......75....",
    },
    {
        "closed": "7.3.6.3.7.3.6...",
        "open": "..............5.",
        "snare": "....8..2.2.38.24",
        "kick": "8..5...4..75....",
    },
]

SAMBA = [
    {
        "closed": "6235623562356235",
        "snare": "4126.14262.1426.",
        "kick": "5..78..75..78..7",
    },
    {
        "closed": "6235623562356235",
        "snare": "4126.14262.14678",
        "kick": "5..78..75..78..7",
        "low tom": "............7...",
    },
]

TAPS = [
    {"clap": "8..6..7.8...7.5."},
    {"clap": "8..6..7.8.6.7..."},
]

BLUES = [
    {
        "ride": "X.xx.xX.xx.x",
        "snare": "...X.....X..",
        "kick": "X....xX.....",
        "closed": "...x.....x..",
    },
    {
        "ride": "X.xx.xX.x...",
        "snare": "...X.....XxX",
        "kick": "X....xX..x..",
        "closed": "...x........",
    },
]

WALTZ_CALL = ["A4/4 D5/4 F#5/4", "F#5/8 E5/4"]
WALTZ = [
    *WALTZ_CALL,
    *["G5/4 E5/4 C#5/4", "D5/8 A4/4"],
    *["B4/4 D5/4 G5/4", "F#5/6 E5/2 D5/4", "E5/4 F#5/4 G#5/4", "A5/8 -/4"],
    *["A5/6 G5/2 F#5/4", "G5/8 E5/4", "F#5/6 E5/2 D5/4", "E5/8 C#5/4"],
    *[WALTZ_CALL[0], "G5/4 F#5/4 E5/4", "F#5/4 E5/4 C#5/4", "D5/12"],
]

JIG_CALL = ["G4/2 A4/2 B4/2 D5/2 B4/2 G4/2", "E5/4 C5/2 A4/4 C5/2"]
JIG_HIGH = ["G5/2 F#5/2 E5/2 D5/2 B4/2 G4/2", "C5/2 E5/2 C5/2 A4/4 C5/2"]
JIG_CLOSE = "D5/2 C5/2 B4/2 A4/2 G4/2 F#4/2"
JIG = [
    *[*JIG_CALL, "D5/2 B4/2 G4/2 B4/2 A4/2 G4/2", "F#4/2 A4/2 A4/2 A4/4 F#4/2"],
    *[*JIG_CALL, JIG_CLOSE, "G4/4 B4/2 G4/4 -/2"],
    *[*JIG_HIGH, "D5/2 E5/2 F#5/2 G5/4 D5/2", "E5/2 C5/2 A4/2 D5/4 D5/2"],
    *[*JIG_HIGH, JIG_CLOSE, "G4/6 G4/6"],
]

HYMN = [
    "A4+F4/4 A4+F4/4 Bb4+F4/4 C5+F4/4",
    "C5+F4/4 Bb4+F4/4 A4+F4/4 G4+E4/4",
    "F4+C4/4 F4+C4/4 G4+E4/4 A4+F4/4",
    "A4+F4/6 G4+E4/2 F4+C4/8",
]
HYMN_LEFT = [
    "C4+F3/4 C4+F3/4 D4+Bb2/4 C4+A2/4",
    "C4+A2/4 D4+Bb2/4 C4+C3/4 Bb3+C3/4",
    "A3+F3/4 A3+D3/4 Bb3+C3/4 C4+F2/4",
    "C4+C3/6 Bb3+C3/2 A3+F2/8",
]

NOCTURNE = [
    "E5/8 C5/4 D5/4",
    "C5/6 A4/2 A4+F4/8",
    "G4+E5/8 D5/4 C5/4",
    "D5+B4/12 -/4",
]
NOCTURNE_LEFT = [
    "A2/2 E3/2 C4/2 E3/2 A2/2 E3/2 C4/2 E3/2",
    "F2/2 C3/2 A3/2 C3/2 F2/2 C3/2 A3/2 C3/2",
    "C3/2 G3/2 E4/2 G3/2 C3/2 G3/2 E4/2 G3/2",
    "G2/2 D3/2 B3/2 D3/2 G2/2 D3/2 B3/2 D3/2",
]

STRUM = [
    "G2+D3+G3+B3+D4+G4/4 B3+D4+G4/2 G3+B3+D4/2 B3+D4+G4/4 G3+B3+D4/2 B3+D4+G4/2",
    "C3+E3+G3+C4+E4/4 G3+C4+E4/2 G3+C4+E4/2 D3+A3+D4+F#4/4 A3+D4+F#4/2 A3+D4+F#4/2",
]

STRIDE = [
    "E5/2 G5/4 E5/2 C5/2 A4/2 C5/4",
    "D5/2 F5/4 D5/2 B4/2 G4/2 B4/4",
    "C5/2 E5/4 C5/2 A4/2 F4/2 A4/4",
    "B4/2 D5/2 G5/4 E5+C5/8",
]
STRIDE_LEFT = [
    "C3/4 E3+G3+C4/4 A2/4 E3+A3+C4/4",
    "D3/4 F3+A3+C4/4 G2/4 F3+G3+B3/4",
    "F2/4 F3+A3+C4/4 F2/4 F3+A3+C4/4",
    "G2/4 F3+G3+B3/4 C3/8",
]

PIECES: dict[str, Drums | Performance | Melody | Chords | Trio] = {
    "rock": Drums(120, ROCK),
    "funk": Drums(98, FUNK),
    "bossa": Drums(132, BOSSA),
    "house": Drums(124, HOUSE),
    "parade": Drums(112, PARADE),
    "shuffle": Performance(88, SHUFFLE, 0.24, {"snare": 0.14, "kick": 0.04, "closed": 0.02}, 0.03),
    "samba": Performance(108, SAMBA, -0.06, {"closed": -0.1, "snare": -0.04, "kick": 0.02}, 0.03),
    "taps": Performance(100, TAPS, 0.1, {"clap": 0.02}, 0.06),
    "blues": Drums(92, BLUES, 12),
    "sunrise": Melody(112, 0, SUNRISE),
    "alley": Melody(96, 4, ALLEY),
    "fountain": Melody(128, 46, FOUNTAIN),
    "harbour": Melody(66, 73, HARBOUR),
    "garden": Melody(120, 71, GARDEN),
    "voyage": Melody(104, 24, VOYAGE),
    "morning": Melody(116, 73, MORNING),
    "evening": Melody(76, 68, EVENING),
    "waltz": Melody(156, 21, WALTZ, (3, 4)),
    "jig": Melody(168, 40, JIG, (6, 8)),
    "hymn": Chords(84, 19, HYMN, HYMN_LEFT),
    "nocturne": Chords(72, 0, NOCTURNE, NOCTURNE_LEFT),
    "stride": Chords(132, 0, STRIDE, STRIDE_LEFT),
    "strum": Chords(108, 25, STRUM, []),
    "cafe": Trio(132, 24, CAFE, 32, CAFE_BASS, CAFE_DRUMS),
    "train": Trio(112, 22, TRAIN, 33, TRAIN_BASS, TRAIN_DRUMS),
}
