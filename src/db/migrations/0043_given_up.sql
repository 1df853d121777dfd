-- Since when a person has given a pull request up in Moose, and has not taken it up again; null: nobody has.
alter table pull_requests add column if not exists given_up_at timestamptz;
