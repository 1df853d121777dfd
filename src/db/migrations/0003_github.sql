-- Pull requests on GitHub, beside those of the forge `local`: where they are and how they were last seen.
alter table pull_requests
  -- Null for the forge `local`, which makes the URL from the number.
  add column if not exists url text,
  -- What GitHub's GraphQL calls it.
  add column if not exists node_id text,
  -- The commit its branch was last seen at; another than head_sha once somebody has pushed.
  add column if not exists seen_head_sha text,
  -- GitHub's words: SUCCESS, FAILURE, PENDING, …; APPROVED, CHANGES_REQUESTED, REVIEW_REQUIRED.
  add column if not exists checks text,
  add column if not exists review text,
  add column if not exists seen_at timestamptz;
create index if not exists pull_requests_open on pull_requests (project_id) where state = 'open';

-- Webhooks that were taken, so that a replay changes nothing.
create table if not exists github_deliveries (
  id text primary key,
  event text not null,
  received_at timestamptz not null default clock_timestamp()
);
