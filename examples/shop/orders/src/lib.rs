//! `shop:api/orders`: keeps orders in a key-value store, and brings them through a queue to those who pack.

wit_bindgen::generate!({ path: "../wit", world: "order-book", generate_all });

use exports::shop::api::orders::{Guest, Order, State};
use exports::wasmcloud::messaging::handler;
use wasi::keyvalue::atomics;
use wasi::keyvalue::store::{self, Bucket, Error};
use wasmcloud::messaging::consumer;
use wasmcloud::messaging::types::BrokerMessage;

struct Orders;

const COUNTER: &str = "last";
const PREFIX: &str = "order/";

fn words(error: Error) -> String {
    match error {
        Error::NoSuchStore => "no such store".to_string(),
        Error::AccessDenied => "access denied".to_string(),
        Error::Other(message) => message,
    }
}

fn open() -> Result<Bucket, String> {
    store::open("").map_err(words)
}

/// One line: state, count, cents, item.
fn write(bucket: &Bucket, order: &Order) -> Result<(), String> {
    let state = match order.state {
        State::Placed => "placed",
        State::Packed => "packed",
        State::Shipped => "shipped",
    };
    let line = format!("{state} {} {} {}", order.count, order.cents, order.item);
    bucket.set(&format!("{PREFIX}{}", order.id), line.as_bytes()).map_err(words)
}

fn read(bucket: &Bucket, id: u64) -> Result<Order, String> {
    let bytes = bucket.get(&format!("{PREFIX}{id}")).map_err(words)?.ok_or_else(|| format!("no order {id}"))?;
    let line = String::from_utf8(bytes).map_err(|error| error.to_string())?;
    parse(id, &line).ok_or_else(|| format!("order {id} is torn: {line}"))
}

fn parse(id: u64, line: &str) -> Option<Order> {
    let mut parts = line.splitn(4, ' ');
    let state = match parts.next()? {
        "placed" => State::Placed,
        "packed" => State::Packed,
        "shipped" => State::Shipped,
        _ => return None,
    };
    let (count, cents) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    Some(Order { id, item: parts.next()?.to_string(), count, cents, state })
}

fn all() -> Result<Vec<Order>, String> {
    let bucket = open()?;
    let mut ids: Vec<u64> = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let page = bucket.list_keys(cursor.as_deref()).map_err(words)?;
        ids.extend(page.keys.iter().filter_map(|key| key.strip_prefix(PREFIX)?.parse::<u64>().ok()));
        cursor = page.cursor;
        if cursor.is_none() {
            break;
        }
    }
    ids.sort();
    ids.into_iter().map(|id| read(&bucket, id)).collect()
}

impl Guest for Orders {
    fn place(item: String, count: u32, cents: u64) -> Result<u64, String> {
        let bucket = open()?;
        let id = atomics::increment(&bucket, COUNTER, 1).map_err(words)? as u64;
        write(&bucket, &Order { id, item, count, cents, state: State::Placed })?;
        let body = id.to_string().into_bytes();
        consumer::publish(&BrokerMessage { subject: "orders.placed".to_string(), body, reply_to: None })?;
        Ok(id)
    }

    fn all() -> Result<Vec<Order>, String> {
        all()
    }

    fn ship() -> u32 {
        let Ok(bucket) = open() else { return 0 };
        let packed = all().unwrap_or_default().into_iter().filter(|order| order.state == State::Packed);
        packed.filter(|order| write(&bucket, &Order { state: State::Shipped, ..order.clone() }).is_ok()).count() as u32
    }
}

impl handler::Guest for Orders {
    /// A message may come twice: an order that is further stays where it is.
    fn handle_message(message: BrokerMessage) -> Result<(), String> {
        let id = String::from_utf8_lossy(&message.body).parse().map_err(|_| "not the number of an order".to_string())?;
        let bucket = open()?;
        let order = read(&bucket, id)?;
        if order.state != State::Placed {
            return Ok(());
        }
        write(&bucket, &Order { state: State::Packed, ..order })
    }
}

export!(Orders);
