/** An id as Postgres prints it; part of a regular expression, here and in SQL. */
export const UUID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}'
