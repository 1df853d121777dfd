"""What is asked of the API beside what Schemathesis asks by itself."""

import json

import schemathesis

SHAPE = ("The body was refused", "The query was refused", "The path was refused")
# Of a change the schema does not know what it is a change of; and one name, and text that cannot be stored, are refused at any depth.
BEYOND_SCHEMA = (
    "is only for the kind openai-compatible",
    "base_url is missing",
    "__proto__ is the name of no field",
    "holds a NUL or half of a character",
)


@schemathesis.check
def shape_is_accepted(ctx, response, case):
    """A request that fits its schema is never refused for its shape; for what is stored, it may be."""
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    if response.status_code not in (400, 413, 415, 422):
        return
    message = json.loads(response.content)["error"]["message"]
    if message.startswith(SHAPE) and not any(said in message for said in BEYOND_SCHEMA):
        raise AssertionError(f"refused for its shape: {message}")


@schemathesis.hook
def filter_case(ctx, case):
    """Names are learned from answers: that of the token it has would be revoked among the first."""
    if case.path != "/api/tokens/{name}":
        return True
    return not str((case.path_parameters or {}).get("name", "")).startswith("home-")


@schemathesis.check
def token_counts(ctx, response, case):
    """Where every request is turned away at the door, nothing behind it has been tried."""
    # A code that is none is refused so too.
    if response.status_code == 401 and case.path != "/api/sessions":
        raise AssertionError("the token was not taken")
