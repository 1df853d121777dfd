-- Hosts that set-up and checks of a project can reach: [{"host": "registry.example", "for": "setup"}]. Granted by the operator;
-- what a repository asks for in its moose.yaml grants nothing.
alter table projects
  add column if not exists allowed_hosts jsonb not null default '[]'
    check (jsonb_typeof(allowed_hosts) = 'array' and length(allowed_hosts::text) <= 65536);
