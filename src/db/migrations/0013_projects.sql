-- What the operator sets for a project. None of it is read from the repository: it touches his keys and his forge.
alter table projects
  -- {id}, {slug} and {attempt} stand for parts of an order; null: feature/wo-{id}-{slug}.
  add column if not exists branch_pattern text check (branch_pattern like '%{id}%' and length(branch_pattern) <= 100),
  -- "Name <mail>"; null: Moose.
  add column if not exists author text check (author ~ '^[^<>[:cntrl:]]+ <[^<>[:space:][:cntrl:]]+>$' and length(author) <= 300),
  add column if not exists committer text check (committer ~ '^[^<>[:cntrl:]]+ <[^<>[:space:][:cntrl:]]+>$' and length(committer) <= 300),
  add column if not exists sign_off boolean,
  -- Absolute path of an SSH key that commits are signed with; null: they are not signed.
  add column if not exists signing_key text check (signing_key ~ '^/[^[:cntrl:]]*$' and length(signing_key) <= 1000),
  -- Where the API of the forge is, when the URL names an alias of ssh; null: on the host of the URL.
  add column if not exists forge_host text check (forge_host ~ '^[a-z0-9][a-z0-9.-]*(:[0-9]{1,5})?$' and length(forge_host) <= 260),
  -- Another mirror than the one named after the project: its repository was changed to another one.
  add column if not exists mirror_id uuid,
  -- A project that was removed has no repository, so that no order and no older Moose takes it for one that can be used.
  -- The row stays, for the orders that name it; bringing it back puts this into repository again.
  add column if not exists removed_repository text,
  add column if not exists removed_at timestamptz;
