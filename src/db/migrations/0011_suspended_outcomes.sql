-- What an attempt has to show when it is suspended; its outcome when it is never resumed.
alter table attempts add column suspended_outcome jsonb;
