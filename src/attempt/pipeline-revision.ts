/**
 * The revision of the steps below `attempt-workflow.ts`. An attempt is gone on with only by the revision that began it;
 * raise it when steps are added, removed or change their meaning.
 */
export const PIPELINE_REVISION = 'pipeline-4'
