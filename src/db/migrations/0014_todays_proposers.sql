-- The models of November 2026, cheap and strong ones of each provider, for a database that nothing has used yet. Who has
-- worked with it, or has changed a row, keeps exactly the choice there was.
insert into proposer_configs (name, provider, model, complexity_threshold, context_tokens)
select name, provider, model, complexity_threshold, context_tokens
from (values
  ('gpt-6-luna', 'openai', 'gpt-6-luna', 0.40, 1050000),
  ('claude-haiku-4-5', 'anthropic', 'claude-haiku-4-5', 0.50, 200000),
  ('gemini-3.8-flash', 'google', 'gemini-3.8-flash', 0.70, 1000000),
  ('claude-sonnet-5', 'anthropic', 'claude-sonnet-5', 0.90, 1000000),
  ('gpt-6-sol', 'openai', 'gpt-6-sol', 1.00, 1050000),
  ('claude-opus-5-5', 'anthropic', 'claude-opus-5-5', 1.00, 1000000)
) as today (name, provider, model, complexity_threshold, context_tokens)
where not exists (select from work_orders)
  and not exists (select from model_calls)
  and not exists (select from budget_entries)
  and 2 = (select count(*) from proposer_configs)
  and 2 = (
    select count(*) from proposer_configs
    where (name, provider, model, complexity_threshold) in (
        ('gpt-4o-mini', 'openai', 'gpt-4o-mini', 0.30),
        ('claude-sonnet-4-5', 'anthropic', 'claude-sonnet-4-5-20250929', 1.00)
      )
      and active and cost_profile = '{}' and base_url is null and key_variable is null and context_tokens is null
      and output_limit_parameter is null and extra_headers = '{}' and extra_body = '{}'
  )
on conflict (name) do nothing;
