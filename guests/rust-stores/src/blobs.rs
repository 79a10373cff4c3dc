use crate::Stores;
use crate::exports::example::stores::blobs::Guest;
use crate::wasi::blobstore::blobstore::{self, Container, ObjectId};
use crate::wasi::blobstore::types::{IncomingValue, OutgoingValue};
use crate::wasi::io::streams::StreamError;

const PIECE: u64 = 65_536;
/// What `blocking-write-and-flush` takes at once.
const WRITE: usize = 4096;

fn open(container: &str) -> Result<Container, String> {
    blobstore::get_container(container)
}

fn failed(error: StreamError) -> String {
    match error {
        StreamError::Closed => "the stream is closed".to_string(),
        StreamError::LastOperationFailed(error) => error.to_debug_string(),
    }
}

fn id(container: &str, object: String) -> ObjectId {
    ObjectId { container: container.to_string(), object }
}

impl Guest for Stores {
    fn create(container: String) -> Result<(), String> {
        blobstore::create_container(&container).map(|_| ())
    }

    fn write(container: String, name: String, size: u64) -> Result<(), String> {
        let container = open(&container)?;
        let value = OutgoingValue::new_outgoing_value();
        let body = value.outgoing_value_write_body().map_err(|()| "the body was taken".to_string())?;
        container.write_data(&name, &value)?;
        for piece in 0..size.div_ceil(PIECE) {
            let bytes = vec![piece as u8; PIECE.min(size - piece * PIECE) as usize];
            for part in bytes.chunks(WRITE) {
                body.blocking_write_and_flush(part).map_err(failed)?;
            }
        }
        drop(body);
        OutgoingValue::finish(value)
    }

    fn abandon(container: String, name: String) -> Result<(), String> {
        let container = open(&container)?;
        let value = OutgoingValue::new_outgoing_value();
        let body = value.outgoing_value_write_body().map_err(|()| "the body was taken".to_string())?;
        container.write_data(&name, &value)?;
        body.blocking_write_and_flush(b"half").map_err(failed)
    }

    fn read(container: String, name: String, start: u64, end: u64) -> Result<(u64, u64), String> {
        let value = open(&container)?.get_data(&name, start, end)?;
        let stream = IncomingValue::incoming_value_consume_async(value)?;
        let (mut count, mut sum) = (0, 0);
        loop {
            match stream.blocking_read(PIECE) {
                Ok(bytes) => {
                    count += bytes.len() as u64;
                    sum += bytes.iter().map(|byte| u64::from(*byte)).sum::<u64>();
                }
                Err(StreamError::Closed) => return Ok((count, sum)),
                Err(error) => return Err(failed(error)),
            }
        }
    }

    fn read_at_once(container: String, name: String) -> Result<Vec<u8>, String> {
        IncomingValue::incoming_value_consume_sync(open(&container)?.get_data(&name, 0, u64::MAX)?)
    }

    fn size(container: String, name: String) -> Result<u64, String> {
        open(&container)?.object_info(&name).map(|info| info.size)
    }

    fn names(container: String) -> Result<Vec<String>, String> {
        let stream = open(&container)?.list_objects()?;
        let mut names = Vec::new();
        loop {
            let (page, end) = stream.read_stream_object_names(10)?;
            names.extend(page);
            if end {
                return Ok(names);
            }
        }
    }

    fn copy(container: String, from: String, to: String) -> Result<(), String> {
        blobstore::copy_object(&id(&container, from), &id(&container, to))
    }

    fn move_(container: String, from: String, to: String) -> Result<(), String> {
        blobstore::move_object(&id(&container, from), &id(&container, to))
    }

    fn delete(container: String, names: Vec<String>) -> Result<(), String> {
        open(&container)?.delete_objects(&names)
    }
}
