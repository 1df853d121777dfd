import { z } from 'zod'

const Path = z.string().min(1).describe('Path of the file, relative to the root of the repository.')

/** What is left out stays as it is; a new file is not executable and ends in a newline. */
const TRAITS = {
  executable: z
    .boolean()
    .optional()
    .describe('Whether the file is executable. Left out: as it was; a new file is not.'),
  final_newline: z
    .boolean()
    .optional()
    .describe('Whether the file ends in a newline. Left out: as it was; a new file does.'),
}

/** The edit format as tools of a provider, for models that are asked for calls instead of blocks. No tool is ever run. */
export const EDIT_TOOLS = {
  edit: {
    description:
      'Replaces lines of an existing file. Call it once for each place; calls for one file build on each other, in their order.',
    inputSchema: z.strictObject({
      path: Path,
      search: z
        .string()
        .describe(
          'Whole, consecutive lines copied exactly from the file, with their indentation and blank lines, without line numbers. They must occur exactly once in the file: take the fewest lines that make them unique.',
        ),
      replace: z.string().describe('The whole lines that stand there instead; empty to delete the lines.'),
      ...TRAITS,
    }),
  },
  write: {
    description: 'Creates a file, or replaces a whole file.',
    inputSchema: z.strictObject({
      path: Path,
      content: z.string().describe('Every line of the file as it shall be; empty for an empty file.'),
      ...TRAITS,
    }),
  },
  delete: { description: 'Deletes a file.', inputSchema: z.strictObject({ path: Path }) },
  rename: {
    description: 'Renames or moves a file. Edits that follow name the new path.',
    inputSchema: z.strictObject({ path: Path, to: Path.describe('The new path.') }),
  },
} as const

/** What the definitions of the tools take of a prompt, in bytes; a provider may write them in another way, not longer. */
export const EDIT_TOOLS_BYTES = Buffer.byteLength(
  JSON.stringify(
    Object.entries(EDIT_TOOLS).map(([name, { description, inputSchema }]) => ({
      type: 'function',
      name,
      description,
      parameters: z.toJSONSchema(inputSchema, { target: 'draft-7' }),
    })),
  ),
)
