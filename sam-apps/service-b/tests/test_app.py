"""The handler's own tests: python3 -m unittest discover -s tests."""

import json
import pathlib
import sys
import types
import unittest
from unittest import mock

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "src"))

import app  # noqa: E402

CONTEXT = types.SimpleNamespace(function_name="service-b")


def event(claims):
    return {
        "rawPath": "/service-b/hello",
        "requestContext": {"authorizer": {"jwt": {"claims": claims, "scopes": None}}},
    }


class HandlerTest(unittest.TestCase):
    def test_answers_with_the_callers_claims(self):
        answer = app.handler(event({"sub": "ada@example.com"}), CONTEXT)
        body = json.loads(answer["body"])
        self.assertEqual(answer["statusCode"], 200)
        self.assertEqual(body["caller"]["subject"], "ada@example.com")
        self.assertEqual(body["service"], "service-b")
        self.assertEqual(body["path"], "/service-b/hello")

    def test_names_its_version_and_interpreter(self):
        with mock.patch.object(pathlib.Path, "exists", return_value=True):
            with mock.patch.object(pathlib.Path, "read_text", return_value="1.2.3\n"):
                body = json.loads(app.handler(event({}), CONTEXT)["body"])
        self.assertEqual(body["version"], "1.2.3")
        self.assertRegex(body["interpreter"], r"^python3\.\d+")

    def test_refuses_an_event_that_no_authorizer_saw(self):
        with self.assertRaises(KeyError):
            app.handler({"rawPath": "/", "requestContext": {}}, CONTEXT)


if __name__ == "__main__":
    unittest.main()
