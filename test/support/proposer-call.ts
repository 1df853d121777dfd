/** A proposer whose calls are made as is usual for its provider. */
export const USUAL_CALL = {
  keyVariable: null,
  contextTokens: null,
  outputLimitParameter: null,
  extraHeaders: {},
  extraBody: {},
}
