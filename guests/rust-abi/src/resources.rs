use std::cell::{Cell, RefCell};

use crate::Abi;
use crate::example::abi::host::{self, Counter};
use crate::exports::example::abi::resources::{Account as AccountHandle, AccountBorrow, Guest, GuestAccount};

thread_local! {
    static ALIVE: Cell<u32> = const { Cell::new(0) };
    static KEPT: RefCell<Option<Counter>> = const { RefCell::new(None) };
}

pub struct Account {
    owner: String,
    balance: Cell<u64>,
}

impl Drop for Account {
    fn drop(&mut self) {
        ALIVE.set(ALIVE.get() - 1);
    }
}

impl GuestAccount for Account {
    fn new(owner: String) -> Self {
        ALIVE.set(ALIVE.get() + 1);
        Self { owner, balance: Cell::new(0) }
    }

    fn owner(&self) -> String {
        self.owner.clone()
    }

    fn balance(&self) -> u64 {
        self.balance.get()
    }

    fn deposit(&self, amount: u64) -> u64 {
        self.balance.set(self.balance.get().saturating_add(amount));
        self.balance.get()
    }

    fn withdraw(&self, amount: u64) -> Result<u64, String> {
        let balance = self.balance.get();
        let rest = balance.checked_sub(amount).ok_or_else(|| format!("{} has only {balance}", self.owner))?;
        self.balance.set(rest);
        Ok(rest)
    }

    fn transfer(source: AccountBorrow<'_>, target: AccountBorrow<'_>, amount: u64) -> Result<(), String> {
        source.get::<Account>().withdraw(amount)?;
        target.get::<Account>().deposit(amount);
        Ok(())
    }

    fn close(account: AccountHandle) -> u64 {
        account.into_inner::<Account>().balance.get()
    }
}

impl Guest for Abi {
    type Account = Account;

    fn count_accounts() -> u32 {
        ALIVE.get()
    }

    fn open(owners: Vec<String>) -> Vec<AccountHandle> {
        owners.into_iter().map(|owner| AccountHandle::new(Account::new(owner))).collect()
    }

    fn richest(accounts: Vec<AccountBorrow<'_>>) -> Option<String> {
        let accounts = accounts.iter().map(|account| account.get::<Account>());
        accounts.max_by_key(|account| account.balance()).map(|account| account.owner())
    }

    fn pass(account: AccountHandle) -> AccountHandle {
        account
    }

    fn make_counter(start: u32) -> Counter {
        Counter::new(start)
    }

    fn take(counter: &Counter, times: u32) -> Vec<u32> {
        (0..times).map(|_| counter.next()).collect()
    }

    fn keep(counter: Option<Counter>) -> Option<Counter> {
        KEPT.replace(counter)
    }

    fn merge(a: Counter, b: Counter) -> Counter {
        Counter::merge(a, b)
    }

    fn call_host(text: String) -> String {
        host::log(&text);
        let reversed = host::reverse(&text);
        let parsed = match host::parse(&text) {
            Ok(number) => format!("number {number}"),
            Err(error) => format!("error {error}"),
        };
        let (first, second) = (Counter::new(1), Counter::new(2));
        let (total, label) = host::describe(&[&first, &second], Some(&text));
        format!("{reversed}; {parsed}; {total} {label}")
    }
}
