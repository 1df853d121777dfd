-- The approval on its forge that counts for what the branch of an open pull request holds, else the latest one; null: it was not
-- looked at. Merging by rule goes by it where the forge calls the pull request approved.
alter table pull_requests add column if not exists seen_approval jsonb;
