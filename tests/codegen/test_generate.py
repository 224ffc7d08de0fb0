"""`generate.py`: what it writes, what it deletes, what `--check` finds."""

import subprocess
import sys
from pathlib import Path

import pytest

SQL = Path(__file__).parents[2] / "sql"
QUERY = "-- name: GetUser :one\n-- One user.\nSELECT * FROM users WHERE id = @id;\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with one table and one query, nothing generated yet."""
    for folder in ("schema", "queries"):
        (tmp_path / "sql" / folder).mkdir(parents=True)
    (tmp_path / "sql" / "codegen").symlink_to(SQL / "codegen")
    (tmp_path / "sql" / "sqlc.yaml").write_text((SQL / "sqlc.yaml").read_text())
    table = "CREATE TABLE users (id integer PRIMARY KEY, name text NOT NULL);"
    (tmp_path / "sql" / "schema" / "0001_users.up.sql").write_text(table)
    (tmp_path / "sql" / "schema" / "0001_users.up.rollback.sql").write_text("DROP TABLE users;")
    (tmp_path / "sql" / "queries" / "users.sql").write_text(QUERY)
    return tmp_path


def _generate(root: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SQL / "codegen" / "generate.py"), "--root", str(root), *options]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def _files(root: Path) -> dict[str, str]:
    folder = root / "shakerqueue" / "queries"
    return {path.name: path.read_text() for path in folder.glob("*")}


def test_writes_checks_and_repairs(root: Path) -> None:
    """The check finds a changed, a missing and an orphaned file and touches none; the next run repairs all."""
    folder = root / "shakerqueue" / "queries"
    folder.mkdir(parents=True)
    (folder / "users.py").write_text("changed by hand")
    (folder / "orders.py").write_text("its queries are gone")
    damaged = _files(root)

    checked = _generate(root, "--check")

    assert checked.returncode == 1
    assert [
        "shakerqueue/queries/__init__.py: is missing; run `make generate`",
        "shakerqueue/queries/models.py: is missing; run `make generate`",
        "shakerqueue/queries/orders.py: has no source; run `make generate`",
        "shakerqueue/queries/users.py: differs from its source; run `make generate`",
    ] == checked.stderr.splitlines()
    assert damaged == _files(root)

    assert _generate(root).returncode == 0
    assert {"__init__.py", "models.py", "users.py"} == set(_files(root))
    assert "def get_user(conn: Connection[Any], *, id: int) -> User | None:" in _files(root)["users.py"]


def test_an_error_leaves_the_tree_alone(root: Path) -> None:
    """A query that is refused costs nothing that was generated before."""
    folder = root / "shakerqueue" / "queries"
    folder.mkdir(parents=True)
    (folder / "users.py").write_text("from before")
    (root / "sql" / "queries" / "users.sql").write_text(QUERY.replace("= @id", "=@id"))

    done = _generate(root)

    assert done.returncode == 1
    assert "users.sql: GetUser: @id is not bound" in done.stderr
    assert {"users.py": "from before"} == _files(root)
