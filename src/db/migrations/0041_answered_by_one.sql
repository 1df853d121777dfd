-- Which process answers a review on its forge, and until when, unless it says so again; null: none does.
alter table follow_ups
  add column if not exists answering_by uuid,
  add column if not exists answering_until timestamptz;
