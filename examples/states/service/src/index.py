"""Orders, inside the network."""


def handler(event, context):
    return {"function": context.function_name, "orders": []}
