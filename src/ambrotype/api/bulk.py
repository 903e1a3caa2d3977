"""`POST /v1/media/bulk`, and the operations that larger ones become."""

import uuid

import fastapi
import orjson
import pydantic
from fastapi import responses

from ambrotype import bulk
from ambrotype.api import caller, context, documents, routing
from ambrotype.api import errors as problems
from ambrotype.core import operations as nouns

router = routing.router(tags=["media"])


class Failed(pydantic.BaseModel):
    """An item for which it failed, and why."""

    id: uuid.UUID
    problem: documents.Problem


class Done(pydantic.BaseModel):
    """How many it was done for, and those for which it failed."""

    done: int
    failed: list[Failed]


class Begun(pydantic.BaseModel):
    """The operation that goes on behind."""

    operation_id: uuid.UUID


class OperationState(pydantic.BaseModel):
    """How far it is. The first thousand failures are told."""

    id: uuid.UUID
    state: str
    done: int
    total: int
    failures: list[Failed]


def _failed(failures: list[nouns.Failure]) -> list[Failed]:
    return [
        Failed(
            id=one.id,
            problem=documents.Problem.model_validate(
                problems.problem(one.code, problems.status_of_code(one.code), one.detail)
            ),
        )
        for one in failures
    ]


@router.post(
    "/v1/media/bulk",
    response_model=Done,
    responses={202: {"description": "more than a thousand: an operation", "model": Begun}, **documents.WRITING},
)
async def run(here: context.Here, who: caller.Writer, asked: bulk.BulkRequest) -> fastapi.Response:
    """Does something with many items; each fails alone."""
    done = await bulk.run(here, who, asked)
    if done.operation_id is not None:
        return responses.Response(
            orjson.dumps({"operation_id": str(done.operation_id)}),
            status_code=202,
            media_type="application/json",
            headers={"Location": f"/v1/operations/{done.operation_id}"},
        )
    return responses.Response(
        Done(done=done.done, failed=_failed(done.failed)).model_dump_json(exclude_none=True),
        media_type="application/json",
    )


@router.get("/v1/operations/{id}", response_model=OperationState, responses=documents.READING)
async def operation(here: context.Here, who: caller.Reader, id: uuid.UUID) -> fastapi.Response:
    """How far an operation is."""
    found = await bulk.operation(here.app.data, who, id)
    shown = OperationState(
        id=found.id, state=found.state, done=found.done, total=found.total, failures=_failed(found.failures)
    )
    return responses.Response(shown.model_dump_json(exclude_none=True), media_type="application/json")
