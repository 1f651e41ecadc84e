"""Figures of tables that code works out."""

from pathlib import Path

import pytest

from devops_agent.grounding import look_up

TABLE = """host,team,zone,cost_eur,disks
a-1,shop,west,10.50,1
a-2,shop,east,20.25,2
b-1,mail,west,30.00,4
c-1,"web, new",west,5.05,8
"""


@pytest.mark.parametrize(
    ("task", "figures"),
    [
        ("Add up cost_eur in hosts.csv", ["sum of cost_eur in hosts.csv (4 rows): 65.80"]),
        (
            "what do the shop hosts of hosts.csv cost in all, as cost eur?",
            ["sum of cost_eur in hosts.csv where team is shop (2 rows): 30.75"],
        ),
        (
            "total cost_eur of shop in zone west, from hosts.csv",
            ["sum of cost_eur in hosts.csv where team is shop and zone is west (1 rows): 10.50"],
        ),
        (
            "average cost_eur of the hosts of shop and mail in hosts.csv",
            ["average of cost_eur in hosts.csv where team is mail or shop (3 rows): 20.25"],
        ),
        ("how many hosts of hosts.csv are in west?", ["hosts.csv has 3 rows where zone is west"]),
        ("which host in hosts.csv has the most disks?", ["highest disks in hosts.csv: 8, of c-1"]),
        (
            "lowest cost_eur of zone west in hosts.csv",
            ["lowest cost_eur in hosts.csv where zone is west: 5.05, of c-1"],
        ),
        ("sum of disks per zone in hosts.csv", ["sum of disks in hosts.csv by zone: west 13, east 2"]),
        (
            "average disks for each zone in hosts.csv",
            ["average of disks in hosts.csv by zone: west 4.33, east 2.00"],
        ),
        ("count the hosts by team in hosts.csv", ["rows of hosts.csv by team: shop 2, mail 1, web, new 1"]),
        # what restricts the rows in a way of its own
        ("sum of disks in hosts.csv without those of shop", []),
        ("how many hosts in hosts.csv have more than 2 disks?", []),
        ("how many different teams are in hosts.csv?", []),
        ("sum of cost_eur in hosts.csv for 2023", []),
        ("total cost_eur of mail-eu in hosts.csv", []),
        ("how many hosts of hosts.csv are pending?", []),
        ("how many zones are in hosts.csv?", []),
        ("which team in hosts.csv has the highest cost_eur?", []),
        ("total disks of SHOP in hosts.csv", ["sum of disks in hosts.csv where team is shop (2 rows): 3"]),
        ("add up cost_eur in gone.csv", []),
        ("add up cost_eur in uneven.csv", []),
        ("delete hosts.csv", []),
    ],
)
def test_the_figures_that_a_task_asks_for_are_told(task: str, figures: list[str], tmp_path: Path) -> None:
    (tmp_path / "hosts.csv").write_text(TABLE)
    (tmp_path / "uneven.csv").write_text("host,cost_eur\na,1\nb\n")
    told = [line for line in look_up(task, tmp_path, {}).lines if "hosts.csv" in line or "uneven.csv" in line]
    assert [line for line in told if not line.startswith(("Columns", "Files"))] == figures
