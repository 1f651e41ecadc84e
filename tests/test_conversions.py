"""Files that are converted into another format by code."""

from pathlib import Path

import pytest

from devops_agent.conversions import converted
from devops_agent.form_finder import FormFinder
from devops_agent.forms.rewrite import Rewrite
from devops_agent.grounding import Ground

TEXTS = {
    "app.yaml": "web:\n  port: 80  # http\n  since: 2024-01-02\n  hosts: [a, b]\ndebug: false\n",
    "app.json": '{"web": {"port": 80, "hosts": ["yes", "b"]}, "debug": false}',
    "flat.json": '{"PORT": 80, "TLS": true, "NAME": "shop"}',
    "rows.json": '[{"name": "a", "on": true}, {"name": "b, c", "on": false}]',
    "rows.csv": "name,share,zip\na,1.5,01\nb,2,02\n",
    "app.env": '# of the shop\nPORT=80\nNAME="big shop"\nexport TLS=on\n',
    "app.ini": "[web]\nPort = 80\n",
    "app.toml": "[web]\nport = 80\nsince = 2024-01-02\n",
    "two.yaml": "a: 1\n---\nb: 2\n",
    "odd.yaml": "on: 1\n",
    "uneven.csv": "a,b\n1\n",
    "spaced.json": '{"NAME": "big shop"}',
    "deep.json": '{"a": {"b": 1}}',
    "broken.json": '{"a": ',
    "there.json": "{}",
    "twice.env": "A=1\nA=2\n",
    "twice.csv": "a,b,a\n1,2,3\n",
    "twice.json": '{"a": 1, "a": 2}',
    "twice.yaml": "a: 1\na: 2\n",
    "octal.yaml": "mode: 0755\n",
    "conf/x": "",
    "there.yaml": "a: 1\n",
}


@pytest.fixture
def here(tmp_path: Path) -> Path:
    for name, text in TEXTS.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("wish", "path", "text"),
    [
        (
            "please turn app.yaml into a JSON file called new.json",
            "new.json",
            '{\n  "web": {\n    "port": 80,\n    "since": "2024-01-02",\n    "hosts": [\n      "a",\n'
            '      "b"\n    ]\n  },\n  "debug": false\n}\n',
        ),
        (
            "Convert app.json to YAML and save the result as conf/app.yml.",
            "conf/app.yml",
            "web:\n  port: 80\n  hosts:\n  - 'yes'\n  - b\ndebug: false\n",
        ),
        ("convert flat.json to .env", ".env", "PORT=80\nTLS=true\nNAME=shop\n"),
        ("turn rows.json into new.csv", "new.csv", 'name,on\na,true\n"b, c",false\n'),
        (
            "Convert rows.csv to JSON. Then write it to new.json",
            "new.json",
            '[\n  {\n    "name": "a",\n    "share": 1.5,\n    "zip": "01"\n  },\n'
            '  {\n    "name": "b",\n    "share": 2,\n    "zip": "02"\n  }\n]\n',
        ),
        ("convert app.env to new.yaml", "new.yaml", "PORT: '80'\nNAME: big shop\nTLS: 'on'\n"),
        ("save app.ini as json in new.json", "new.json", '{\n  "web": {\n    "Port": "80"\n  }\n}\n'),
        (
            "convert app.toml from TOML to yaml as new.yaml",
            "new.yaml",
            "web:\n  port: 80\n  since: '2024-01-02'\n",
        ),
    ],
)
def test_a_file_becomes_one_of_another_format(here: Path, wish: str, path: str, text: str) -> None:
    found = converted(wish, here)
    assert found
    assert found[:2] == (path, text)


@pytest.mark.parametrize(
    "wish",
    [
        "convert app.yaml to new.json without the hosts",
        "convert app.yaml to json and print it",
        "convert app.yaml and app.ini to json",
        "convert gone.yaml to json",
        "convert app.json to new.json",
        "convert two.yaml to json",
        "convert odd.yaml to json",
        "convert uneven.csv to json",
        "convert spaced.json to properties",
        "convert deep.json to properties",
        "convert broken.json to yaml",
        "convert deep.json to csv",
        "convert there.json to yaml",
        "convert app.yaml to xml",
        "convert app.yaml to json in place",
        "convert app.yaml to json and save it in conf",
        "convert flat.json to yaml as flat.json",
        "convert twice.env to yaml",
        "convert twice.csv to json",
        "convert twice.json to yaml",
        "convert twice.yaml to json",
        "convert octal.yaml to json",
    ],
)
def test_nothing_is_converted_that_is_meant_otherwise_or_does_not_fit(here: Path, wish: str) -> None:
    assert converted(wish, here) is None


def test_a_conversion_in_two_sentences_is_one_thing(here: Path) -> None:
    task = "Convert app.yaml to JSON and save it as new.json"
    finder = FormFinder.of(task, {}, Ground(), {}, True, here)
    assert isinstance(finder.form, Rewrite)
    assert (finder.form.path, finder.form.made_from, finder.covers) == ("new.json", ("app.yaml",), True)
