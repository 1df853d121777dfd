-- The image that set-ups, checks and Aider of the project run in where the sandbox is one of containers; null: none is set.
alter table projects
  add column if not exists sandbox_image text
    check (sandbox_image ~ '^[A-Za-z0-9]([A-Za-z0-9._/:@-]*[A-Za-z0-9])?$' and length(sandbox_image) <= 255);
