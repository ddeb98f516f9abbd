import stat
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from webapp.redis_server import (
    RedisFolderRefused,
    RedisSilent,
    complaint,
    dismiss,
    make_private,
    private_redis,
    wait_until_it_answers,
)


def test_it_is_shared_by_whoever_asks_second_and_ends_with_the_first() -> None:
    with TemporaryDirectory(dir="/tmp") as folder:
        with private_redis(Path(folder)) as first:
            with private_redis(Path(folder)) as second:
                assert second == first
            assert complaint(first) == ""
            assert stat.S_IMODE((Path(folder) / "redis.sock").stat().st_mode) == 0o700
        assert complaint(first)


def test_one_that_was_left_behind_can_be_dismissed() -> None:
    with TemporaryDirectory(dir="/tmp") as folder, private_redis(Path(folder)) as url:
        dismiss(url)
        assert complaint(url)
        dismiss(url)


def test_a_silent_one_is_named_without_its_password() -> None:
    with pytest.raises(RedisSilent) as caught:
        wait_until_it_answers("redis://user:hidden@127.0.0.1:1/0", seconds=0)
    assert "127.0.0.1:1" in str(caught.value)
    assert "hidden" not in str(caught.value)


def test_a_folder_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(RedisFolderRefused):
        make_private(tmp_path / "link")
