-- What a call to a proposer's model needs besides its id; null, or empty: what is usual for its provider.
alter table proposer_configs
  -- The name of the environment variable that holds the key; the key itself is never stored.
  add column if not exists key_variable text,
  -- Tokens that prompt and answer may have together.
  add column if not exists context_tokens integer,
  -- The name of the parameter that bounds the answer in Chat Completions, such as max_completion_tokens.
  add column if not exists output_limit_parameter text,
  -- Sent with every call, besides what the provider's protocol needs: {"HTTP-Referer": "…"}.
  add column if not exists extra_headers jsonb not null default '{}',
  add column if not exists extra_body jsonb not null default '{}';
