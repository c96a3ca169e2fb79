"""Models on the Hugging Face hub: `hf://OWNER/NAME` wherever a model is named, and `push`.

This module is imported only when such a model is named, and only then the network is used. Of a
repository only the files of a model folder are fetched, by their exact names: JSON, safetensors and
the card, but no pickle.

Files are kept in the hub's own cache, and read from it where there is no network. The token is that
of the hub's own tools (`hf auth login`, or HF_TOKEN); it is never printed.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from vaecore.config import CONFIG
from vaecore.errors import DataError, UsageError, printable
from vaecore.reading import CARD_TEXT, CONFIGURATION, TENSORS, Kind, check_file, read_text

if TYPE_CHECKING:
    from huggingface_hub import HfApi

SCHEME = "hf://"
_PART = r"(?![^/@]*(?:\.\.|--))[A-Za-z0-9][A-Za-z0-9._-]{0,95}"
"""An owner, a model or a revision; stricter than the hub's rule, so that no path is possible."""
_REPOSITORY = re.compile(f"{_PART}/{_PART}")
_REFERENCE = re.compile(f"({_PART}/{_PART})(?:@({_PART}))?")
CARD = "README.md"
FILES: Mapping[str, Kind] = {
    CONFIG: CONFIGURATION,
    "weights.safetensors": TENSORS,
    "attributes.safetensors": TENSORS,
    "prior.safetensors": TENSORS,
    "directions.safetensors": TENSORS,
    CARD: CARD_TEXT,
}
"""The files that are fetched and pushed, with their size limits; the configuration comes first."""
REMEDY = "pip install 'seqvae[hub]'"
_LOG_IN = "for a private one log in: hf auth login, or set HF_TOKEN"
_ANSWERED = "the hub answered"


class Reference(NamedTuple):
    """A model on the hub."""

    repository: str
    """OWNER/NAME."""
    revision: str | None = None
    """A branch, a tag or a commit; None for the main branch."""

    def __str__(self) -> str:
        return f"{SCHEME}{self.repository}" + (f"@{self.revision}" if self.revision else "")


def parse(model: str | Path) -> Reference:
    """Return the parts of `hf://OWNER/NAME` or `hf://OWNER/NAME@REVISION`.

    Raises:
        UsageError: The text has another form.
    """
    text = str(model).removeprefix("hf:").lstrip("/")
    found = _REFERENCE.fullmatch(text)
    if found is None:
        raise _malformed(text)
    return Reference(*found.groups())


def checked(repository: str) -> str:
    """Return OWNER/NAME unchanged.

    Raises:
        UsageError: The text has another form.
    """
    if not _REPOSITORY.fullmatch(repository):
        raise _malformed(repository)
    return repository


def _malformed(text: str) -> UsageError:
    return UsageError(
        f"{printable(text)!r} names no model on the hub; write hf://OWNER/NAME or "
        "hf://OWNER/NAME@REVISION"
    )


def fetch(model: str | Path) -> Path:
    """Fetch a model's files where they are new, and return their folder in the hub's cache.

    Args:
        model: `hf://OWNER/NAME` or `hf://OWNER/NAME@REVISION`.

    Raises:
        UsageError: The name has another form.
        DataError: There is no such model, access is denied, a file is too large, or there is
            neither network nor a copy in the cache.
    """
    reference = parse(model)
    api = _api(reference)
    from huggingface_hub.errors import OfflineModeIsEnabled

    try:
        with _said(reference):
            info = api.model_info(
                reference.repository, revision=reference.revision, files_metadata=True
            )
    except (OfflineModeIsEnabled, _Unreachable) as error:
        return _cached(reference, error)
    sizes = {each.rfilename: each.size for each in info.siblings or ()}
    if CONFIG not in sizes:
        raise DataError(f"is no model of this kind: it has no {CONFIG}", path=str(reference))
    for name, kind in FILES.items():
        size = sizes.get(name, 0)
        if size is None or size > kind.most:
            text = f"its {name} is larger than {kind.most // 1000:,} kB"
            raise DataError(text, path=str(reference), remedy="use another model")
    places = set()
    for name, kind in FILES.items():
        if name not in sizes:
            continue
        # Fetched by branch name, the first file makes the cache record the branch's commit.
        revision = reference.revision if name == CONFIG else info.sha
        try:
            with _said(reference):
                path = Path(api.hf_hub_download(reference.repository, name, revision=revision))
        except _Unreachable as error:
            problem = f"cannot be fetched ({error})"
            raise DataError(problem, path=str(reference), remedy="try again later") from error
        check_file(path, kind)
        places.add(path.parent)
    if len(places) > 1:
        remedy = "try again"
        raise DataError("changed while it was fetched", path=str(reference), remedy=remedy)
    return places.pop()


def _cached(reference: Reference, error: Exception) -> Path:
    """Return the folder in the cache.

    Raises:
        DataError: There is none; the message has the reason why the network was not used.
    """
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(
        reference.repository, CONFIG, revision=reference.revision or "main"
    )
    if isinstance(found, str):
        return Path(found).parent
    why = str(error) if isinstance(error, _Unreachable) else "HF_HUB_OFFLINE is set"
    remedy = "try again with a network; what was fetched once needs none"
    raise DataError(f"cannot be fetched ({why})", path=str(reference), remedy=remedy) from None


def push(folder: Path, repository: str, private: bool = False, front: str = "") -> str:
    """Upload a model folder to the hub, with its card as the README; return the page's address.

    The repository is created if needed. Files of other names stay as they are.

    Args:
        folder: The model folder.
        repository: OWNER/NAME.
        private: Whether a new repository is visible to its owner only.
        front: Metadata for the hub, put before a card that has none.

    Raises:
        UsageError: The name is not OWNER/NAME.
        DataError: The hub refuses, or cannot be reached.
    """
    reference = Reference(checked(repository))
    api = _api(reference)
    from huggingface_hub import CommitOperationAdd
    from huggingface_hub.errors import OfflineModeIsEnabled

    there = [folder / name for name in FILES if (folder / name).is_file()]
    for path in there:
        check_file(path, FILES[path.name])
    added: list[Any] = [
        CommitOperationAdd(path.name, str(path)) for path in there if path.name != CARD
    ]
    card = folder / CARD
    text = read_text(card, CARD_TEXT) if card in there else f"# {reference.repository}\n"
    if not text.startswith("---\n"):
        text = front + text
    added.append(CommitOperationAdd(CARD, text.encode()))
    try:
        with _said(reference):
            api.create_repo(reference.repository, private=private, exist_ok=True)
            done = api.create_commit(
                reference.repository, added, commit_message="Model pushed by seqvae"
            )
    except (OfflineModeIsEnabled, _Unreachable) as error:
        raise DataError(f"cannot be pushed ({error})", path=str(reference)) from error
    return str(done.repo_url)


def _api(reference: Reference) -> HfApi:
    if not find_spec("huggingface_hub"):
        raise DataError("needs huggingface_hub", path=str(reference), remedy=REMEDY)
    from huggingface_hub import HfApi
    from huggingface_hub.utils.tqdm import disable_progress_bars

    if not sys.stderr.isatty():
        disable_progress_bars()
    # HF_ENDPOINT is read here, since the package reads it only when it is imported.
    return HfApi(os.environ.get("HF_ENDPOINT"), library_name="seqvae")


class _Unreachable(Exception):
    """The hub gave no answer."""


@contextmanager
def _said(reference: Reference) -> Iterator[None]:
    """Turn exceptions of the hub's client into one-line errors.

    Raises:
        DataError: The hub refuses.
        _Unreachable: There is no answer.
    """
    from huggingface_hub import errors

    try:
        yield
    except errors.OfflineModeIsEnabled:
        raise
    except errors.GatedRepoError as error:
        remedy = "ask for it on its page, and log in: hf auth login"
        raise _refused(reference, "is given only to those who ask", remedy) from error
    except errors.RevisionNotFoundError as error:
        raise _refused(reference, "has no such revision", "check what follows @") from error
    except errors.RepositoryNotFoundError as error:
        text = "there is no such model on the hub, or you may not see it"
        raise _refused(reference, text, f"check the name; {_LOG_IN}") from error
    except errors.HfHubHTTPError as error:
        code = error.response.status_code if error.response is not None else None
        if code == 401:
            raise _refused(reference, f"{_ANSWERED}: not logged in (401)", _LOG_IN) from error
        if code == 403:
            text = f"{_ANSWERED}: your token may not do this (403)"
            raise _refused(reference, text, "use a token that may write there") from error
        raise _refused(reference, f"{_ANSWERED} with error {code}", "try again later") from error
    except (errors.HFValidationError, errors.BadRequestError) as error:
        raise _malformed(str(reference)) from error
    except errors.LocalTokenNotFoundError as error:
        raise _refused(reference, "needs a token of the hub", _LOG_IN) from error
    except (errors.FileMetadataError, errors.EntryNotFoundError, OSError) as error:
        # The hub's client raises OSError for network errors, too.
        raise _Unreachable(_reason(error)) from error
    except Exception as error:
        if type(error).__module__.startswith("httpx"):
            raise _Unreachable(_reason(error)) from error
        raise


def _reason(error: Exception) -> str:
    lines = str(error).splitlines()
    return printable(lines[0]) if lines else type(error).__name__


def _refused(reference: Reference, problem: str, remedy: str) -> DataError:
    return DataError(problem, path=str(reference), remedy=remedy)
