-- In what form a proposer is asked for a change.
alter table proposer_configs add column if not exists answer_form text not null default 'blocks'
  check (answer_form in ('blocks', 'diff', 'tools'));
drop trigger if exists proposer_configs_audit on proposer_configs;
create constraint trigger proposer_configs_audit after insert or update or delete on proposer_configs
  deferrable initially deferred for each row execute function moose_audit_row('proposer', 'name',
    'name,provider,model,complexity_threshold,cost_profile,active,key_variable,context_tokens,output_limit_parameter,answer_form',
    '');
