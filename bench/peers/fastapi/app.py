"""The peer in Python: persons on FastAPI and SQLAlchemy 2 (asyncpg). `DATABASE_URL` (postgresql+asyncpg://…) is required.

`duties.py` holds what every request gets besides its answer. `BARE=1` leaves that out, and the transaction too that
SQLAlchemy's session opens around every request.
"""

import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import Depends, FastAPI, Header, HTTPException, Query, Response
from pydantic import BaseModel, ConfigDict, EmailStr, Field, StringConstraints
from sqlalchemy import DateTime, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from duties import Duties, metrics, uuid7

BARE = os.environ.get("BARE") == "1"
engine = create_async_engine(
    os.environ["DATABASE_URL"],
    pool_size=int(os.environ.get("POOL", "8")),
    max_overflow=0,
    **({"isolation_level": "AUTOCOMMIT"} if BARE else {}),
)
Session = async_sessionmaker(engine, expire_on_commit=False)


class Base(DeclarativeBase):
    """The tables."""


class PersonRow(Base):
    """As the service's migrations made it."""

    __tablename__ = "persons"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    email: Mapped[str]
    email_key: Mapped[str]
    age: Mapped[int]
    version: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class NewPerson(BaseModel):
    """What a client says of a person."""

    model_config = ConfigDict(extra="forbid")
    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
    email: EmailStr
    age: Annotated[int, Field(ge=0, le=150)]


class Person(BaseModel):
    """What a client is told."""

    model_config = ConfigDict(from_attributes=True)
    id: UUID
    name: str
    email: str
    age: int
    created_at: datetime
    updated_at: datetime


class Page(BaseModel):
    """A keyset page."""

    objects: list[Person]
    next: str | None
    prev: str | None


async def session() -> AsyncIterator[AsyncSession]:
    """One for each request."""
    async with Session() as opened:
        yield opened


Db = Annotated[AsyncSession, Depends(session)]
app = FastAPI()


@app.get("/v1/persons")
async def index(
    db: Db,
    host: Annotated[str, Header()],
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    after: UUID | None = None,
    before: UUID | None = None,
) -> Page:
    """From the first page by `next` and `prev`."""
    backwards = before is not None and after is None
    # One row more than asked for tells whether the list goes on.
    query = select(PersonRow).limit(limit + 1)
    if after is not None:
        query = query.where(PersonRow.id > after)
    elif before is not None:
        query = query.where(PersonRow.id < before)
    query = query.order_by(PersonRow.id.desc() if backwards else PersonRow.id)
    rows = (await db.scalars(query)).all()
    more, rows = len(rows) > limit, rows[:limit]
    if backwards:
        rows = rows[::-1]
    follows, precedes = (True, more) if backwards else (more, after is not None)

    def link(row: PersonRow, way: str) -> str:
        return f"http://{host}/v1/persons?limit={limit}&{way}={row.id}"

    return Page(
        objects=rows,
        next=link(rows[-1], "after") if rows and follows else None,
        prev=link(rows[0], "before") if rows and precedes else None,
    )


@app.get("/v1/persons/{person_id}")
async def show(db: Db, person_id: UUID) -> Person:
    """404 if there is none."""
    row = await db.get(PersonRow, person_id)
    if row is None:
        raise HTTPException(404, "there is no such person")
    return row


@app.post("/v1/persons", status_code=201)
async def create(db: Db, new: NewPerson, response: Response) -> Person:
    """409 if the e-mail address is taken."""
    now = datetime.now(UTC)
    row = PersonRow(
        id=uuid7(),
        name=new.name,
        email=new.email,
        email_key=new.email.lower(),
        age=new.age,
        version=1,
        created_at=now,
        updated_at=now,
    )
    db.add(row)
    try:
        await db.commit()
    except IntegrityError as error:
        raise HTTPException(409, "the e-mail address is taken") from error
    response.headers["location"] = f"/v1/persons/{row.id}"
    return row


@app.get("/mon/ping")
async def ping() -> str:
    """Alive."""
    return "pong"


if not BARE:
    app.add_middleware(Duties)
    app.add_api_route("/metrics", metrics, include_in_schema=False)
