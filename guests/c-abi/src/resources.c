// `example:abi/resources` in C. A handle that is owned is dropped or given away; a borrowed one of the host's is dropped too.

#include "text.h"

#define NAME(name) exports_example_abi_resources_##name

typedef NAME(account_t) account;

struct NAME(account_t) {
  abi_string_t owner;
  uint64_t balance;
};

static uint32_t alive = 0;
static NAME(option_own_counter_t) kept = {false, {0}};

static NAME(own_account_t) open_account(abi_string_t owner) {
  account *opened = allocate(sizeof(account));
  *opened = (account){owner, 0};
  alive++;
  return NAME(account_new)(opened);
}

static void copy_string(abi_string_t *to, const abi_string_t *from) {
  abi_string_dup_n(to, (const char *)from->ptr, from->len);
}

NAME(own_account_t) NAME(constructor_account)(abi_string_t *owner) { return open_account(*owner); }

void NAME(account_destructor)(account *self) {
  abi_string_free(&self->owner);
  free(self);
  alive--;
}

void NAME(method_account_owner)(account *self, abi_string_t *ret) { copy_string(ret, &self->owner); }

uint64_t NAME(method_account_balance)(account *self) { return self->balance; }

uint64_t NAME(method_account_deposit)(account *self, uint64_t amount) {
  self->balance = amount > UINT64_MAX - self->balance ? UINT64_MAX : self->balance + amount;
  return self->balance;
}

bool NAME(method_account_withdraw)(account *self, uint64_t amount, uint64_t *ret, abi_string_t *err) {
  if (amount > self->balance) {
    *err = (abi_string_t){NULL, 0};
    append_string(err, &self->owner);
    append(err, " has only ");
    append_unsigned(err, self->balance);
    return false;
  }
  self->balance -= amount;
  *ret = self->balance;
  return true;
}

bool NAME(static_account_transfer)(account *source, account *target, uint64_t amount, abi_string_t *err) {
  uint64_t rest;
  if (!NAME(method_account_withdraw)(source, amount, &rest, err)) return false;
  NAME(method_account_deposit)(target, amount);
  return true;
}

uint64_t NAME(static_account_close)(NAME(own_account_t) closed) {
  uint64_t balance = NAME(account_rep)(closed)->balance;
  NAME(account_drop_own)(closed);
  return balance;
}

uint32_t NAME(count_accounts)(void) { return alive; }

void NAME(open)(abi_list_string_t *owners, NAME(list_own_account_t) *ret) {
  ret->len = owners->len;
  ret->ptr = allocate(owners->len * sizeof(NAME(own_account_t)));
  for (size_t i = 0; i < owners->len; i++) ret->ptr[i] = open_account(owners->ptr[i]);
  if (owners->len > 0) free(owners->ptr);
}

bool NAME(richest)(NAME(list_borrow_account_t) *accounts, abi_string_t *ret) {
  account *best = NULL;
  for (size_t i = 0; i < accounts->len; i++) {
    if (best == NULL || accounts->ptr[i]->balance >= best->balance) best = accounts->ptr[i];
  }
  NAME(list_borrow_account_free)(accounts);
  if (best != NULL) copy_string(ret, &best->owner);
  return best != NULL;
}

NAME(own_account_t) NAME(pass)(NAME(own_account_t) passed) { return passed; }

NAME(own_counter_t) NAME(make_counter)(uint32_t start) { return example_abi_host_constructor_counter(start); }

void NAME(take)(NAME(borrow_counter_t) counter, uint32_t times, abi_list_u32_t *ret) {
  if (times > UINT32_MAX / sizeof(uint32_t)) __builtin_trap();
  ret->len = times;
  ret->ptr = allocate((size_t)times * sizeof(uint32_t));
  for (uint32_t i = 0; i < times; i++) ret->ptr[i] = example_abi_host_method_counter_next(counter);
  example_abi_host_counter_drop_borrow(counter);
}

bool NAME(keep)(NAME(own_counter_t) *counter, NAME(own_counter_t) *ret) {
  NAME(option_own_counter_t) before = kept;
  kept.is_some = counter != NULL;
  if (counter != NULL) kept.val = *counter;
  if (before.is_some) *ret = before.val;
  return before.is_some;
}

NAME(own_counter_t) NAME(merge)(NAME(own_counter_t) a, NAME(own_counter_t) b) {
  return example_abi_host_static_counter_merge(a, b);
}

void NAME(call_host)(abi_string_t *text, abi_string_t *ret) {
  example_abi_host_log(text);
  abi_string_t reversed, error;
  example_abi_host_reverse(text, &reversed);
  uint32_t number;
  bool parsed = example_abi_host_parse(text, &number, &error);

  example_abi_host_own_counter_t first = example_abi_host_constructor_counter(1);
  example_abi_host_own_counter_t second = example_abi_host_constructor_counter(2);
  example_abi_host_borrow_counter_t borrowed[] = {example_abi_host_borrow_counter(first), example_abi_host_borrow_counter(second)};
  example_abi_host_list_borrow_counter_t counters = {borrowed, 2};
  abi_tuple2_u32_string_t described;
  example_abi_host_describe(&counters, text, &described);
  example_abi_host_counter_drop_own(first);
  example_abi_host_counter_drop_own(second);

  abi_string_t answer = {NULL, 0};
  append_string(&answer, &reversed);
  append(&answer, parsed ? "; number " : "; error ");
  if (parsed) append_unsigned(&answer, number);
  else append_string(&answer, &error);
  append(&answer, "; ");
  append_unsigned(&answer, described.f0);
  append(&answer, " ");
  append_string(&answer, &described.f1);
  abi_string_free(&reversed);
  abi_string_free(&described.f1);
  if (!parsed) abi_string_free(&error);
  abi_string_free(text);
  *ret = answer;
}
