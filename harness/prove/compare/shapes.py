"""Large questions, one JSON line each, as `ringfence compare` reads them.

shapes.py [SIZE]: each shape is of SIZE entries (2,000) in each of two documents, of which one has
all of the other's and one more: each is asked for within the other.
"""

import json
import sys

ACCOUNT = "111122223333"
ALICE = f"arn:aws:iam::{ACCOUNT}:user/alice"


def document(*statements):
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(**rest):
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", **rest}
    for name in ("Action", "Resource"):
        if f"Not{name}" in rest:
            del statement[name]
    return statement


def deny(**rest):
    return allow(**rest, Effect="Deny")


def when(operator, key, values):
    return {"Condition": {operator: {key: values}}}


def identity(*statements):
    return {"identity": [document(*statements)]}


def date(number):
    return f"20{number // 336 % 100:02}-{number // 28 % 12 + 1:02}-{number % 28 + 1:02}T00:00:00Z"


def address(number):
    return f"10.{number // 250}.{number % 250}.0/24"


def shapes(size):
    """Name, the narrower side, the wider one, and whether who asks is named."""
    some, more = range(size), range(size + 1)

    def lists(name, made, side=lambda values: identity(allow(Resource=values))):
        yield name, side([made(one) for one in some]), side([made(one) for one in more]), True

    def texts(name, operator, key, made, **rest):
        yield from lists(
            name, made, lambda values: identity(allow(**when(operator, key, values), **rest))
        )

    def narrows(name, operator, key, made):
        """An operator that a further value narrows."""
        of = lambda values: identity(allow(**when(operator, key, [made(one) for one in values])))
        yield name, of(more), of(some), True

    yield from lists("actions", lambda one: f"s3:Get{one}*", lambda all: identity(allow(Action=all)))
    yield from lists("actions by name", lambda one: f"s3:Get{one}", lambda all: identity(allow(Action=all)))
    yield from lists("actions by end", lambda one: f"s3:*{one}Z", lambda all: identity(allow(Action=all)))
    yield from lists("actions between", lambda one: f"s3:*G{one}A*", lambda all: identity(allow(Action=all)))
    yield from lists("actions of services", lambda one: f"x{one}:Get*", lambda all: identity(allow(Action=all)))
    yield "not actions", *(
        identity(allow(NotAction=[f"s3:Get{one}*" for one in all]))
        for all in (more, some)
    ), True
    yield from lists("resources", lambda one: f"arn:aws:s3:::b{one}/*")
    yield from lists("resources by name", lambda one: f"arn:aws:s3:::b{one}/k")
    yield from lists("resources with stars on both sides", lambda one: f"arn:aws:s3:::*-{one}-*")
    yield from lists("resources by end", lambda one: f"arn:aws:s3:::*/{one}.txt")
    yield from lists("resources of accounts", lambda one: f"arn:aws:sqs:*:{one:012}:q*")
    yield "not resources", *(
        identity(allow(NotResource=[f"arn:aws:s3:::b{one}/*" for one in all]))
        for all in (more, some)
    ), True
    yield "statements", *(
        identity(*[allow(Resource=f"arn:aws:s3:::b{one}/*") for one in all]) for all in (some, more)
    ), True
    yield "statements with conditions", *(
        identity(
            *[
                allow(Resource=f"arn:aws:s3:::b{one}/*", **when("StringEquals", "x:k", f"v{one}"))
                for one in all
            ]
        )
        for all in (some, more)
    ), True
    yield "statements twice the size", *(
        identity(*[allow(Resource=f"arn:aws:s3:::b{one}/*") for one in range(2 * len(all))])
        for all in (some, more)
    ), True
    yield "statements of actions and resources", *(
        identity(
            *[allow(Action=f"s3:Get{one}*", Resource=f"arn:aws:s3:::b{one}/*") for one in all]
        )
        for all in (some, more)
    ), True
    yield "denies beside allows", *(
        identity(
            allow(Resource=[f"arn:aws:s3:::b{one}/*" for one in some]),
            deny(Resource=[f"arn:aws:s3:::b{one}/secret*" for one in all]),
        )
        for all in (more, some)
    ), True
    yield "denied actions beside allowed ones", *(
        identity(
            allow(Action=[f"s3:Get{one}*" for one in some]),
            deny(Action=[f"s3:Get{one}Secret*" for one in all]),
        )
        for all in (more, some)
    ), True
    yield "principals", *(
        {
            "resource": document(
                allow(Principal={"AWS": [f"arn:aws:iam::{ACCOUNT}:user/u{one}" for one in all]})
            )
        }
        for all in (some, more)
    ), False
    yield "principals of accounts", *(
        {"resource": document(allow(Principal={"AWS": [f"{one:012}" for one in all]}))}
        for all in (some, more)
    ), False
    yield "keys of ten values", *(
        identity(
            allow(
                Condition={
                    "StringEquals": {
                        f"x:k{one}": [f"v{value}" for value in range(all)] for one in range(size // 4)
                    }
                }
            )
        )
        for all in (10, 11)
    ), True
    yield from texts("texts", "StringEquals", "x:k", lambda one: f"v{one}")
    yield from texts("texts of any case", "StringEqualsIgnoreCase", "x:k", lambda one: f"v{one}")
    yield from texts("patterns", "StringLike", "x:k", lambda one: f"v{one}-*")
    yield from texts("patterns by end", "StringLike", "x:k", lambda one: f"*-v{one}")
    yield from texts("patterns with stars on both sides", "StringLike", "x:k", lambda one: f"*-v{one}-*")
    yield from narrows("texts that it is not", "StringNotEquals", "x:k", lambda one: f"v{one}")
    yield from narrows("patterns that it is not like", "StringNotLike", "x:k", lambda one: f"v{one}-*")
    yield from texts("any of a list", "ForAnyValue:StringEquals", "x:k", lambda one: f"v{one}")
    yield from texts("all of a list", "ForAllValues:StringEquals", "x:k", lambda one: f"v{one}")
    yield from texts("any of a list, patterns", "ForAnyValue:StringLike", "x:k", lambda one: f"v{one}-*")
    yield from texts("all of a list, patterns", "ForAllValues:StringLike", "x:k", lambda one: f"v{one}-*")
    yield from texts("ranges of addresses", "IpAddress", "aws:SourceIp", address)
    yield from narrows("ranges that it is not in", "NotIpAddress", "aws:SourceIp", address)
    yield from texts("numbers", "NumericEquals", "x:n", str)
    yield from texts("numbers above", "NumericLessThan", "x:n", str)
    yield from narrows("numbers that it is not", "NumericNotEquals", "x:n", str)
    yield from texts("dates", "DateEquals", "aws:CurrentTime", date)
    yield from texts("dates after", "DateLessThan", "aws:CurrentTime", date)
    yield from texts("ARNs", "ArnEquals", "aws:SourceArn", lambda one: f"arn:aws:s3:::b{one}")
    yield from texts("patterns of ARNs", "ArnLike", "aws:SourceArn", lambda one: f"arn:aws:s3:::b{one}-*")
    yield from texts("patterns of ARNs with stars on both sides", "ArnLike", "aws:SourceArn",
                     lambda one: f"arn:aws:sns:*:{ACCOUNT}:*-{one}-*")
    yield from texts("bytes", "BinaryEquals", "x:b", lambda one: f"{one:04}")
    yield from texts("variables", "StringLike", "x:k", lambda one: f"v{one}-${{aws:username}}-*")
    yield from texts("variables of the request", "StringLike", "x:k", lambda one: f"v{one}-${{x:l}}-*")
    yield from lists("variables in resources", lambda one: f"arn:aws:s3:::b{one}/${{aws:username}}/*")
    yield from lists("variables of the request in resources", lambda one: f"arn:aws:s3:::b{one}/${{x:l}}/*")
    yield "control policies", *(
        {
            "identity": [document(allow(Action="*"))],
            "scp": [[document(allow(Action="*"), deny(NotAction=[f"s3:Get{one}*" for one in all]))]],
        }
        for all in (some, more)
    ), True


def main():
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000
    for name, narrow, wide, is_named in shapes(size):
        for a, b, suffix in ((narrow, wide, "within"), (wide, narrow, "beyond")):
            line = {"id": f"{name}: {suffix}", "a": a, "b": b, "universe": "all"}
            if is_named:
                line["principal"] = ALICE
            print(json.dumps(line))


if __name__ == "__main__":
    main()
