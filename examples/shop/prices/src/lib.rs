//! `shop:api/prices`: a price list.

wit_bindgen::generate!({ path: "../wit", world: "price-list" });

use exports::shop::api::prices::Guest;

const LIST: [(&str, u32); 4] = [("coffee", 380), ("cup", 1250), ("pot", 3990), ("tea", 320)];

struct Prices;

impl Guest for Prices {
    fn items() -> Vec<String> {
        LIST.iter().map(|(item, _)| item.to_string()).collect()
    }

    fn price(item: String) -> Option<u32> {
        LIST.iter().find(|(name, _)| *name == item).map(|(_, cents)| *cents)
    }
}

export!(Prices);
