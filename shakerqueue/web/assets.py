"""The scripts, styles and pictures of the pages, and one name for the state that they are in."""

from hashlib import sha256
from pathlib import Path

FOLDER = Path(__file__).parent / "static"


def version_of(folder: Path) -> str:
    """Another name whenever any file is another, so that browsers can keep what they have for ever."""
    digest = sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(folder)}\0".encode())
        digest.update(sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


VERSION = version_of(FOLDER)
