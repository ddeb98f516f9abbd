"""A job moves by compare-and-set, and is held by a lease."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis import Redis

from tests.web.flow.conftest import Installation
from webapp import leases, moves, settling
from webapp.engine.errors import Cancelled
from webapp.models import JobStatus, db
from webapp.queue import connect, open_queue
from webapp.restores import problem_of

MOVES = [(before, cast(JobStatus, after)) for before, nexts in moves.NEXT.items() for after in sorted(nexts)]


@pytest.mark.parametrize("round_", range(5))
def test_of_many_moves_at_the_same_time_exactly_one_wins(installation: Installation, round_: int) -> None:
    job_id = installation.job("planned")

    def click(_number: int) -> bool:
        with installation.app.app_context():
            return moves.move(job_id, ["planned"], "queued")

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(click, range(8))) == 1


@settings(max_examples=60)
@given(data=st.data())
def test_a_move_succeeds_exactly_from_the_states_it_names(data: st.DataObject) -> None:
    before, after = data.draw(st.sampled_from(MOVES))
    assert after in moves.NEXT[before]
    with pytest.raises(ValueError, match="no job moves from"):
        moves.move("any", ["done"], after)


@pytest.mark.parametrize(("before", "after"), MOVES)
def test_a_second_move_finds_the_first_one_done(installation: Installation, before: str, after: JobStatus) -> None:
    job_id = installation.job(before)
    assert moves.move(job_id, [before], after)
    assert installation.read(job_id).status == after
    assert not moves.move(job_id, [before], after)


def test_on_one_site_one_job_runs_and_the_other_waits(installation: Installation) -> None:
    first, second = installation.job("queued"), installation.job("queued")
    assert moves.claim(first, "queued", "worker one")
    assert not moves.claim(second, "queued", "worker two")
    assert installation.read(second).status == "queued"
    assert moves.move(first, ["running"], "done", "worker one")
    assert moves.claim(second, "queued", "worker two")


def test_two_workers_cannot_claim_one_job(installation: Installation) -> None:
    job_id = installation.job("analysing")

    def take(number: int) -> bool:
        with installation.app.app_context():
            return moves.claim(job_id, "analysing", f"worker {number}")

    with ThreadPoolExecutor(6) as threads:
        assert sum(threads.map(take, range(6))) == 1


def test_only_the_owner_moves_a_held_job(installation: Installation) -> None:
    job_id = installation.job("planning")
    assert moves.claim(job_id, "planning", "mine")
    assert not moves.move(job_id, ["planning"], "planned", "somebody else's")
    assert moves.move(job_id, ["planning"], "planned", "mine")


def test_who_has_lost_the_lease_is_stopped_at_the_next_sign_of_life(installation: Installation) -> None:
    job_id = installation.job("queued")
    assert moves.claim(job_id, "queued", "mine")
    lease = leases.Lease(db.engine, job_id, "mine")
    lease.extend(phase="write", done=3, total=9)
    assert (installation.read(job_id).phase, installation.read(job_id).done) == ("write", 3)
    moves.move(job_id, ["running"], "failed")
    with pytest.raises(Cancelled):
        lease.extend(phase="commit")


def test_cancelling_asks_who_works_and_ends_what_waits(installation: Installation) -> None:
    waiting, held = installation.job("analysing"), installation.job("queued")
    assert moves.request_cancel(waiting)
    assert installation.read(waiting).status == "cancelled"
    assert moves.claim(held, "queued", "mine")
    assert moves.request_cancel(held)
    assert installation.read(held).status == "running"
    with pytest.raises(Cancelled):
        leases.Lease(db.engine, held, "mine").extend()


@pytest.mark.parametrize("status", ["analysing", "queued"])
def test_a_job_that_was_asked_to_end_is_not_given_back(installation: Installation, status: JobStatus) -> None:
    job_id = installation.job(status)
    assert moves.claim(job_id, status, "stopping")
    assert moves.request_cancel(job_id)
    held = cast(JobStatus, installation.read(job_id).status)
    assert not moves.release(job_id, held, "stopping")
    assert installation.read(job_id).owner == "stopping"
    assert moves.move(job_id, [held], "cancelled", "stopping")


def test_a_reading_whose_worker_is_lost_fails_and_can_be_started_again(installation: Installation) -> None:
    job_id = installation.job("analysing")
    assert moves.claim(job_id, "analysing", "lost")
    settling.sweep()
    assert installation.read(job_id).status == "analysing"
    installation.expire(job_id)
    settling.sweep()
    job = installation.read(job_id)
    problem = problem_of(job)
    assert (job.status, problem.code if problem else "") == ("failed", "worker_lost")
    assert moves.move(job_id, ["failed"], "analysing")


def test_a_flushed_queue_loses_no_job(installation: Installation) -> None:
    job_id = installation.job("queued", updated_at=leases.clock("sqlite", -60))
    with Redis.from_url(installation.settings.redis_url) as redis:
        redis.flushall()
    settling.sweep()
    assert open_queue(connect(installation.settings.redis_url)).job_ids == [f"work-{job_id}"]
    settling.sweep()
    assert len(open_queue(connect(installation.settings.redis_url)).job_ids) == 1
