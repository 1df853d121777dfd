/** An id as Postgres prints it; part of a regular expression, here and in SQL. */
export const UUID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}'

/** As people write it: the whole of it, or at least its first 4 characters. */
export const ID_OR_PREFIX = /^[0-9a-fA-F-]{4,36}$/
