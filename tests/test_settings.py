import re
from pathlib import Path

import pytest

from webapp import redis_server, settings, up
from webapp.settings import LONGEST_SOCKET_PATH, Misconfigured, read_settings


def subclasses(kind: type[Misconfigured]) -> list[type[Misconfigured]]:
    return [found for child in kind.__subclasses__() for found in (child, *subclasses(child))]


@pytest.mark.parametrize(
    ("variables", "code"),
    [
        ({"DATABASE_URL": "mysql://localhost/app"}, "settings.E002"),
        ({"REDIS_URL": "http://localhost"}, "settings.E003"),
        ({"SECRET_KEY": "short"}, "settings.E004"),
        ({"SITE_FOLDERS": "relative/folder"}, "settings.E006"),
        ({"MAX_UPLOAD": "1G"}, "settings.E007"),
        ({"MAX_UPLOAD": "0"}, "settings.E007"),
        ({"PROXIES": "-1"}, "settings.E007"),
        ({"COOKIE_SECURE": "perhaps"}, "settings.E008"),
    ],
)
def test_a_mistake_is_told_with_its_number(variables: dict[str, str], code: str) -> None:
    with pytest.raises(Misconfigured, match=re.escape(f"({code})")):
        read_settings(variables)


def test_every_mistake_has_a_number_of_its_own() -> None:
    known = [
        kind
        for kind in subclasses(Misconfigured)
        if kind.__module__ in (settings.__name__, redis_server.__name__, up.__name__)
    ]
    codes = [kind.code for kind in known]
    assert len(set(codes)) == len(codes)
    assert Misconfigured.code not in codes


def test_reading_the_settings_touches_no_file(tmp_path: Path) -> None:
    read_settings({"SMART_RESTORE_DATA": str(tmp_path / "data")})
    assert not (tmp_path / "data").exists()


def test_the_secret_key_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    variables = {"SMART_RESTORE_DATA": str(tmp_path / "data")}
    key = read_settings(variables).secret_key
    assert key == read_settings(variables).secret_key
    assert len(key) == 64
    path = tmp_path / "data" / "secret_key"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_secret_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    variables = {"SMART_RESTORE_DATA": str(tmp_path)}
    assert read_settings(variables).secret_key
    (tmp_path / "secret_key").chmod(0o644)
    with pytest.raises(Misconfigured, match="others may read it"):
        _ = read_settings(variables).secret_key


def test_a_data_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Misconfigured, match="E001"):
        read_settings({"SMART_RESTORE_DATA": str(tmp_path / "file" / "data")}).make_data_dir()


def test_secrets_are_not_shown() -> None:
    shown = repr(read_settings({"SECRET_KEY": "s" * 40, "DATABASE_URL": "postgresql://me:hidden@host/app"}))
    assert "sss" not in shown
    assert "hidden" not in shown


@pytest.mark.parametrize("length", [1, 60, 120, 200])
def test_the_private_redis_has_a_path_that_fits(length: int) -> None:
    url = read_settings({"SMART_RESTORE_DATA": "/" + "x" * length}).redis_url
    assert len(url.removeprefix("unix://").removesuffix("?db=0")) <= LONGEST_SOCKET_PATH
