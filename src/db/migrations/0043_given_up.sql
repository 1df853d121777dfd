-- Since when a person has given a pull request up in Moose, and has not taken it up again; null: it was not given up, or was
-- taken up again.
alter table pull_requests add column if not exists given_up_at timestamptz;
