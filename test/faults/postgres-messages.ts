const LENGTH_BYTES = 4

/**
 * Cuts what one side of a connection to Postgres says into messages, however it is torn into pieces.
 *
 * @param beginsUntyped whether the first message has no type, as a client's has not
 * @param onMessage the type is one letter, empty for the untyped first message
 * @see https://www.postgresql.org/docs/current/protocol-message-formats.html
 */
export function splitMessages(beginsUntyped: boolean, onMessage: (type: string, body: Buffer) => void) {
  let rest: Buffer = Buffer.alloc(0)
  let untyped = beginsUntyped
  return (piece: Buffer): void => {
    rest = Buffer.concat([rest, piece])
    for (;;) {
      const typeBytes = untyped ? 0 : 1
      if (rest.length < typeBytes + LENGTH_BYTES) return
      const end = typeBytes + rest.readInt32BE(typeBytes)
      if (rest.length < end) return
      const type = rest.toString('latin1', 0, typeBytes)
      const body = rest.subarray(typeBytes + LENGTH_BYTES, end)
      rest = rest.subarray(end)
      untyped = false
      onMessage(type, body)
    }
  }
}

/** A text that ends with a NUL. */
export function textOf(body: Buffer): string {
  return body.toString('utf8', 0, body.indexOf(0))
}
