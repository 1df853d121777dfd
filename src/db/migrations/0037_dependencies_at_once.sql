-- Circles among orders are looked for once in a transaction, however many of its orders depend on others; before, from each
-- order anew, which for a file of a thousand took hours.
set constraints all immediate;

-- Looks for a circle among what an order waits for, in time that grows with the dependencies. `known`: orders that are in none, and
-- wait for none that is. `reached`: the order and all that it waits for, but those. Null are `waiting` and `waited_for` where there is no circle.
create or replace function moose_find_circle(
  start uuid, known uuid[], out reached uuid[], out waiting uuid, out waited_for uuid
) language plpgsql as $$
declare
  -- Orders are numbered as in `reached`. All waiting ones by what they wait for; of each order how many those are, and where they begin.
  waiters integer[];
  counts integer[];
  begins integer[] := '{}';
  -- For how many each order waits that may still be in a circle.
  open integer[];
  -- Those for which no more of them are open.
  done integer[] := '{}';
  many integer := 0;
  follows integer[] := '{}';
  one integer;
  next integer := 1;
begin
  with recursive found (id) as (
    select start
    union
    select named from found
    join work_orders on work_orders.id = found.id, unnest(moose_dependencies(work_orders.metadata)) as named
    where named <> all (known)
  ),
  numbered as materialized (select id, row_number() over (order by id)::integer as number from found),
  edges as materialized (
    select waiter.number as waiter, dependency.number as dependency
    from numbered as waiter join work_orders on work_orders.id = waiter.id,
      unnest(moose_dependencies(work_orders.metadata)) as named
      join numbered as dependency on dependency.id = named
  ),
  of_each as (
    select number, id,
      coalesce(waiting_for_it, 0) as waiting_for_it, coalesce(it_waits_for, 0) as it_waits_for
    from numbered
    left join (select dependency, count(*) as waiting_for_it from edges group by dependency) as here on here.dependency = number
    left join (select waiter, count(*) as it_waits_for from edges group by waiter) as there on there.waiter = number
  )
  select array_agg(id order by number), array_agg(waiting_for_it::integer order by number),
      array_agg(it_waits_for::integer order by number), (select array_agg(waiter order by dependency) from edges)
    into reached, counts, open, waiters from of_each;
  for number in 1 .. cardinality(reached) loop
    begins[number] := next;
    next := next + counts[number];
    if open[number] = 0 then
      many := many + 1;
      done[many] := number;
    end if;
  end loop;
  one := 0;
  while one < many loop
    one := one + 1;
    for edge in begins[done[one]] .. begins[done[one]] + counts[done[one]] - 1 loop
      open[waiters[edge]] := open[waiters[edge]] - 1;
      if open[waiters[edge]] = 0 then
        many := many + 1;
        done[many] := waiters[edge];
      end if;
    end loop;
  end loop;
  if many = cardinality(reached) then return; end if;
  -- Each order that is open waits for another open one: going on from one to the next leads into a circle.
  one := array_position(reached, start);
  loop
    select array_position(reached, named) into next
      from work_orders, unnest(moose_dependencies(work_orders.metadata)) as named
      where work_orders.id = reached[one] and open[array_position(reached, named)] > 0 limit 1;
    follows[one] := next;
    exit when follows[next] is not null;
    one := next;
  end loop;
  waiting := reached[next];
  waited_for := reached[follows[next]];
end $$;

-- As before, but that what the transaction has found to be in no circle is not looked at again.
create or replace function moose_guard_dependencies() returns trigger language plpgsql as $$
declare
  own record;
  other record;
  circle record;
  known uuid[];
begin
  select id, left(title, 200) as title, metadata into own from work_orders where id = new.id;
  if not found or not own.metadata ? 'dependencies' then return null; end if;
  if jsonb_typeof(own.metadata -> 'dependencies') <> 'array'
    or jsonb_array_length(own.metadata -> 'dependencies') > 50
    or cardinality(moose_dependencies(own.metadata)) <> jsonb_array_length(own.metadata -> 'dependencies')
  then
    raise exception 'dependencies of work order % are not a list of at most 50 different ids of work orders', own.id
      using errcode = 'check_violation', constraint = 'work_orders_dependencies';
  end if;
  -- Two transactions that make two orders wait for each other.
  perform pg_advisory_xact_lock(7301600043);
  select named into other from unnest(moose_dependencies(own.metadata)) as named
    where not exists (select from work_orders where id = named) limit 1;
  if found then
    raise exception 'work order % depends on %, which is not there', own.id, other.named
      using errcode = 'foreign_key_violation', constraint = 'work_orders_dependencies';
  end if;
  known := string_to_array(coalesce(current_setting('moose.in_no_circle', true), ''), ' ')::uuid[];
  if own.id = any (known) then return null; end if;
  circle := moose_find_circle(own.id, known);
  if circle.waiting is null then
    perform set_config('moose.in_no_circle', array_to_string(known || circle.reached, ' '), true);
    return null;
  end if;
  select waiting.id, left(waiting.title, 200) as title, waited_for.id as other_id, left(waited_for.title, 200) as other_title
    into other from work_orders as waiting, work_orders as waited_for
    where waiting.id = circle.waiting and waited_for.id = circle.waited_for;
  raise exception 'work order % "%" cannot depend on % "%", which waits for it',
    other.id, other.title, other.other_id, other.other_title
    using errcode = 'check_violation', constraint = 'work_orders_dependencies';
end $$;

create or replace function moose_forget_no_circle() returns trigger language plpgsql as $$
begin
  perform set_config('moose.in_no_circle', '', true);
  return new;
end $$;
create or replace trigger work_orders_forget_no_circle_insert before insert on work_orders
  for each row when (new.metadata ? 'dependencies') execute function moose_forget_no_circle();
create or replace trigger work_orders_forget_no_circle_update before update on work_orders
  for each row when (new.metadata -> 'dependencies' is distinct from old.metadata -> 'dependencies')
  execute function moose_forget_no_circle();
