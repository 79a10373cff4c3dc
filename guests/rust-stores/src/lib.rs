//! `example:stores`: reaches the stores of its host, one function for each thing that can be done.

wit_bindgen::generate!({ path: "wit", world: "stores", generate_all });

mod blobs;
mod keys;

use exports::example::stores::{messages, settings};
use exports::wasmcloud::messaging::handler;
use wasi::config::store as config;
use wasi::keyvalue::store;
use wasi::logging::logging;
use wasmcloud::messaging::consumer;
use wasmcloud::messaging::types::BrokerMessage;

struct Stores;

impl messages::Guest for Stores {
    fn publish(subject: String, body: String) -> Result<(), String> {
        consumer::publish(&BrokerMessage { subject, body: body.into_bytes(), reply_to: None })
    }

    fn request(subject: String, body: String, timeout_ms: u32) -> Result<String, String> {
        let answer = consumer::request(&subject, body.as_bytes(), timeout_ms)?;
        String::from_utf8(answer.body).map_err(|error| error.to_string())
    }
}

impl settings::Guest for Stores {
    fn get(key: String) -> Result<Option<String>, String> {
        config::get(&key).map_err(|error| format!("{error:?}"))
    }

    fn all() -> Result<Vec<(String, String)>, String> {
        config::get_all().map_err(|error| format!("{error:?}"))
    }

    fn log(message: String) {
        logging::log(logging::Level::Warn, "settings", &message);
    }
}

impl handler::Guest for Stores {
    fn handle_message(message: BrokerMessage) -> Result<(), String> {
        let text = String::from_utf8_lossy(&message.body).into_owned();
        if text == "trap" {
            panic!("the message asked for it");
        }
        if text == "refuse" {
            return Err("the message asked for it".to_string());
        }
        let bucket = store::open("received").map_err(keys::words)?;
        bucket.set("last", &message.body).map_err(keys::words)?;
        wasi::keyvalue::atomics::increment(&bucket, "count", 1).map_err(keys::words)?;
        match message.reply_to {
            None => Ok(()),
            Some(subject) => {
                let body = format!("re: {text}").into_bytes();
                consumer::publish(&BrokerMessage { subject, body, reply_to: None })
            }
        }
    }
}

export!(Stores);
