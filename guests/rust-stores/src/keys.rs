use crate::Stores;
use crate::exports::example::stores::keys::Guest;
use crate::wasi::keyvalue::atomics::{self, Cas, CasError};
use crate::wasi::keyvalue::batch;
use crate::wasi::keyvalue::store::{self, Bucket, Error};

pub fn words(error: Error) -> String {
    match error {
        Error::NoSuchStore => "no such store".to_string(),
        Error::AccessDenied => "access denied".to_string(),
        Error::Other(message) => message,
    }
}

fn open(bucket: &str) -> Result<Bucket, String> {
    store::open(bucket).map_err(words)
}

impl Guest for Stores {
    fn get(bucket: String, key: String) -> Result<Option<Vec<u8>>, String> {
        open(&bucket)?.get(&key).map_err(words)
    }

    fn set(bucket: String, key: String, value: Vec<u8>) -> Result<(), String> {
        open(&bucket)?.set(&key, &value).map_err(words)
    }

    fn delete(bucket: String, key: String) -> Result<(), String> {
        open(&bucket)?.delete(&key).map_err(words)
    }

    fn exists(bucket: String, key: String) -> Result<bool, String> {
        open(&bucket)?.exists(&key).map_err(words)
    }

    fn all(bucket: String) -> Result<Vec<String>, String> {
        let bucket = open(&bucket)?;
        let mut keys = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let page = bucket.list_keys(cursor.as_deref()).map_err(words)?;
            keys.extend(page.keys);
            cursor = page.cursor;
            if cursor.is_none() {
                return Ok(keys);
            }
        }
    }

    fn increment(bucket: String, key: String, delta: i64) -> Result<i64, String> {
        atomics::increment(&open(&bucket)?, &key, delta).map_err(words)
    }

    fn append(bucket: String, key: String, text: String, in_between: Option<String>) -> Result<u32, String> {
        let bucket = open(&bucket)?;
        let mut cas = Cas::new(&bucket, &key).map_err(words)?;
        if let Some(other) = in_between {
            bucket.set(&key, other.as_bytes()).map_err(words)?;
        }
        for attempt in 1.. {
            let mut value = cas.current().map_err(words)?.unwrap_or_default();
            value.extend(text.as_bytes());
            match atomics::swap(cas, &value) {
                Ok(()) => return Ok(attempt),
                Err(CasError::CasFailed(fresh)) => cas = fresh,
                Err(CasError::StoreError(error)) => return Err(words(error)),
            }
        }
        unreachable!()
    }

    fn get_many(bucket: String, keys: Vec<String>) -> Result<Vec<Option<Vec<u8>>>, String> {
        let found = batch::get_many(&open(&bucket)?, &keys).map_err(words)?;
        Ok(found.into_iter().map(|pair| pair.map(|(_, value)| value)).collect())
    }

    fn set_many(bucket: String, pairs: Vec<(String, Vec<u8>)>) -> Result<(), String> {
        batch::set_many(&open(&bucket)?, &pairs).map_err(words)
    }

    fn delete_many(bucket: String, keys: Vec<String>) -> Result<(), String> {
        batch::delete_many(&open(&bucket)?, &keys).map_err(words)
    }

    fn repeat(bucket: String, sets: u32, gets: u32) -> Result<(), String> {
        let bucket = open(&bucket)?;
        let value = [7u8; 100];
        for _ in 0..sets {
            bucket.set("repeated", &value).map_err(words)?;
        }
        for _ in 0..gets {
            bucket.get("repeated").map_err(words)?;
        }
        Ok(())
    }
}
