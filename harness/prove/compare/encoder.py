"""Policies as one Z3 query: whether some request is allowed by one and not by another.

A request is an action, what is acted upon, and for each condition key whether it is there
and a text. Each pattern is a regular expression. What is not encoded is refused by name:
operators on lists, numbers, dates, addresses and bytes, and variables.
"""

import z3

STRING = z3.StringSort()
ANY = z3.Full(z3.ReSort(STRING))
ONE = z3.AllChar(z3.ReSort(STRING))
IN_PART = z3.Diff(ONE, z3.Re(":"))


class Unencoded(Exception):
    pass


def listed(value):
    return value if isinstance(value, list) else [value]


def pattern(text, wildcards=True, any_of=ANY, one_of=ONE):
    if "${" in text:
        raise Unencoded("a variable")
    parts, plain = [], ""
    for letter in text:
        if wildcards and letter in "*?":
            if plain:
                parts.append(z3.Re(plain))
                plain = ""
            parts.append(any_of if letter == "*" else one_of)
        else:
            plain += letter
    if plain or not parts:
        parts.append(z3.Re(plain))
    return parts[0] if len(parts) == 1 else z3.Concat(*parts)


def by_parts(text):
    """A pattern of an ARN operator: a wildcard stays within its part, the last one's does not."""
    *head, last = text.split(":", 5)
    parts = []
    for part in head:
        parts += [pattern(part, True, z3.Star(IN_PART), IN_PART), z3.Re(":")]
    return z3.Concat(*parts, pattern(last)) if parts else pattern(last)


def matches(text, patterns):
    """Whether a text is one of some patterns: one regular expression."""
    patterns = list(patterns)
    return z3.InRe(text, patterns[0] if len(patterns) == 1 else z3.Union(*patterns))


def lower(text):
    return text.lower()


def either_case(text):
    """A text in upper and lower case."""
    parts = []
    for letter in text:
        both = {letter.lower(), letter.upper()}
        parts.append(z3.Union(*map(z3.Re, sorted(both))) if len(both) > 1 else z3.Re(letter))
    if not parts:
        return z3.Re("")
    return parts[0] if len(parts) == 1 else z3.Concat(*parts)


class Request:
    def __init__(self):
        self.action = z3.String("action")
        self.resource = z3.String("resource")
        self.keys = {}

    def key(self, name):
        name = lower(name)
        if name not in self.keys:
            self.keys[name] = (z3.Bool(f"has {name}"), z3.String(name))
        return self.keys[name]

    def universe(self):
        """Any name of an action, on `*` or any ARN."""
        colon, no_colon = z3.Re(":"), z3.Star(z3.Diff(ONE, z3.Re(":")))
        action = z3.Concat(z3.Plus(z3.Diff(ONE, z3.Re(":"))), colon, z3.Plus(ONE))
        arn = z3.Concat(z3.Re("arn:"), no_colon, colon, no_colon, colon, no_colon, colon, no_colon, colon, ANY)
        return z3.And(
            z3.InRe(self.action, action),
            z3.InRe(self.resource, z3.Union(z3.Re("*"), arn)),
        )

    def condition(self, operator, name, values):
        values = [str(value).lower() if isinstance(value, bool) else str(value) for value in listed(values)]
        has, text = self.key(name)
        if operator == "Null":
            if len(values) != 1:
                raise Unencoded("`Null` with several values")
            return z3.Not(has) if lower(values[0]) == "true" else has
        if_exists = operator.endswith("IfExists")
        plain = operator.removesuffix("IfExists")
        known = {
            "StringEquals": lambda: matches(text, (pattern(one, False) for one in values)),
            "StringLike": lambda: matches(text, (pattern(one) for one in values)),
            "StringEqualsIgnoreCase": lambda: matches(text, (either_case(one) for one in values)),
            "ArnEquals": lambda: matches(text, map(by_parts, values)),
            "ArnLike": lambda: matches(text, map(by_parts, values)),
        }
        negated = {
            "StringNotEquals": "StringEquals",
            "StringNotLike": "StringLike",
            "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
        }
        if plain == "Bool":
            if {lower(one) for one in values} - {"true", "false"} or len(values) != 1:
                raise Unencoded("`Bool` with several values")
            holds = z3.InRe(text, either_case(values[0]))
        elif plain in known:
            if any("${" in one for one in values):
                raise Unencoded("a variable")
            holds = known[plain]()
        elif plain in negated:
            # A key that is not there is not equal to anything.
            return z3.Or(z3.Not(has), z3.Not(self.condition(negated[plain], name, values)))
        else:
            raise Unencoded(f"`{operator}`")
        return z3.Or(z3.Not(has), holds) if if_exists else z3.And(has, holds)

    def statement(self, one):
        parts = []
        for member, text, change in (("Action", self.action, lower), ("Resource", self.resource, str)):
            if member in one:
                parts.append(matches(text, (pattern(change(value)) for value in listed(one[member]))))
            elif f"Not{member}" in one:
                values = listed(one[f"Not{member}"])
                parts.append(z3.Not(matches(text, (pattern(change(value)) for value in values))))
            else:
                raise Unencoded(f"a statement without `{member}`")
        for operator, keys in (one.get("Condition") or {}).items():
            parts += [self.condition(operator, name, values) for name, values in keys.items()]
        return z3.And(*parts)

    def allowed(self, document):
        of = {"Allow": [], "Deny": []}
        for one in listed(document["Statement"]):
            of[one["Effect"]].append(self.statement(one))
        return z3.And(z3.Or(*of["Allow"]), z3.Not(z3.Or(*of["Deny"])))


def query(inner, outer, seconds):
    """A solver that looks for a request that `inner` alone allows."""
    request = Request()
    solver = z3.Solver()
    solver.set("timeout", int(seconds * 1000))
    solver.add(request.universe(), request.allowed(inner), z3.Not(request.allowed(outer)))
    return solver
