"""How often a task wants something."""

import pytest

from devops_agent.schedules import by_clause, concurrency_of, cron_of, only_schedule


@pytest.mark.parametrize(
    ("task", "cron"),
    [
        ("Run it every 5 minutes", "*/5 * * * *"),
        ("Run it every minute", "* * * * *"),
        ("Run the sync hourly", "0 * * * *"),
        ("every hour at minute 15", "15 * * * *"),
        ("20 minutes past every hour", "20 * * * *"),
        ("Run it every six hours", "0 */6 * * *"),
        ("every half an hour", "*/30 * * * *"),
        ("Back up every night at 2:30", "30 2 * * *"),
        ("each day at 02:30 with the image busybox:1.36", "30 2 * * *"),
        ("daily at 5 pm", "0 17 * * *"),
        ("daily at 12 am", "0 0 * * *"),
        ("daily at 12:15 pm", "15 12 * * *"),
        ("every evening at 9 in the evening", "0 21 * * *"),
        ("every night at 11 at night", "0 23 * * *"),
        ("every night at 3 at night", "0 3 * * *"),
        ("every day at midnight", "0 0 * * *"),
        ("every day at noon", "0 12 * * *"),
        ("every day at 6:00 and 18:00", "0 6,18 * * *"),
        ("every Monday at 9", "0 9 * * 1"),
        ("on Tuesdays and Fridays at 7:45", "45 7 * * 2,5"),
        ("on weekdays at 8:05", "5 8 * * 1-5"),
        ("Monday to Friday at 8:05", "5 8 * * 1-5"),
        ("every 15 minutes from Monday to Friday", "*/15 * * * 1-5"),
        ("every hour on Sundays", "0 * * * 0"),
        ("every weekend at 10:00", "0 10 * * 0,6"),
        ("on the first day of every month at 4:00", "0 4 1 * *"),
        ("monthly on the 15th at 23:10", "10 23 15 * *"),
        ("with the schedule */10 8-18 * * 1-5 please", "*/10 8-18 * * 1-5"),
        ("with the schedule '0 3 * * SUN'", "0 3 * * SUN"),
    ],
)
def test_states_a_schedule(task: str, cron: str) -> None:
    assert cron_of(task) == cron


@pytest.mark.parametrize(
    "task",
    [
        "Show all pods",
        "Create a nightly job",  # at what time?
        "Run it every 7 minutes",  # */7 comes out uneven
        "Run it every 25 hours",
        "Run it every 5 minutes between 8:00 and 18:00",
        "every day at 2:30 and at 4:15",  # no one schedule
        "every day at 25:00",
        "on the 31st of each month at 4:00",  # not every month has one
        "every other day at 4:00",
        "every Monday",
        "Publish it at port 8080:80 every day",
        "Why did the pod crash at 2:30?",
    ],
)
def test_states_none_plainly(task: str) -> None:
    assert cron_of(task) == ""


def test_schedules_of_several_things_are_told_apart() -> None:
    assert by_clause("Run a.sh every Sunday at 4:15, and b.sh every 15 minutes on weekdays. Leave c.sh.") == {
        "Run a.sh every Sunday at 4:15": "15 4 * * 0",
        "b.sh every 15 minutes on weekdays": "*/15 * * * 1-5",
    }


@pytest.mark.parametrize(
    ("task", "schedule"),
    [
        (
            "Create a cron job: every night at 02:30, and a new run must not start while the last one goes",
            "30 2 * * *",
        ),
        ("Create a cron job: every night at 02:30, except on Sundays", ""),
        ("Run a every night at 02:30, and b every night at 3:30", ""),
    ],
)
def test_one_clause_may_state_the_schedule(task: str, schedule: str) -> None:
    assert only_schedule(task) == schedule


@pytest.mark.parametrize(
    ("task", "policy"),
    [
        ("Create a cron job; a new run must not start while the last one is still going", "Forbid"),
        ("A cron job every hour, runs must never overlap", "Forbid"),
        ("A cron job, one run at a time", "Forbid"),
        ("A cron job that still runs at night", ""),
    ],
)
def test_runs_that_must_not_overlap_are_forbidden_to(task: str, policy: str) -> None:
    assert concurrency_of(task) == policy
