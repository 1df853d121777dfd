/**
 * The revision of `workflow.ts` and its steps. An attempt is continued only by the revision that began it;
 * raise it when steps are added, removed or change their meaning.
 */
export const PIPELINE_REVISION = 'pipeline-10'
