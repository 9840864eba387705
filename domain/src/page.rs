//! Keyset pages: a page is asked for by the position that it follows or precedes, never by an offset, so that row ten
//! costs as much as row ten million and nothing is seen twice when rows are added meanwhile.

use crate::Violation;

/// How many items a page may hold: 1 to 100, 20 by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit(u8);

impl Limit {
    /// The largest page.
    pub const MAX: Self = Self(100);
    /// The page that one gets without asking.
    pub const DEFAULT: Self = Self(20);

    /// `Violation` unless 1 to 100.
    pub fn new(number: i64) -> Result<Self, Violation> {
        u8::try_from(number).ok().filter(|n| (1..=Self::MAX.0).contains(n)).map(Self).ok_or_else(|| {
            Violation::new("range", format!("must be a whole number from 1 to {}", Self::MAX.0))
        })
    }

    /// 1 to 100.
    pub fn get(self) -> u8 {
        self.0
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Which way a cursor leads from its position, in the order of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// To the items behind it.
    After,
    /// To the items in front of it.
    Before,
}

/// A place in a sorted list (`P` holds the sort key and the id of one item) and the way to go from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor<P> {
    /// The item at the edge of the page that the cursor was made for.
    pub position: P,
    /// Whether the page lies behind or in front of it.
    pub direction: Direction,
}

/// Some items and the ways to their neighbours; always in the order of the list, whichever way it was reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T, P> {
    /// At most as many as the limit.
    pub items: Vec<T>,
    /// `None` when nothing follows.
    pub next: Option<Cursor<P>>,
    /// `None` when nothing precedes.
    pub prev: Option<Cursor<P>>,
}

impl<T, P> Page<T, P> {
    /// Cuts a page out of what a store has read. `rows` start at the cursor and lead away from it, more than
    /// `limit` of them if there are: one surplus row proves that the list goes on, without counting it, and any further
    /// ones are dropped.
    pub fn from_rows(
        mut rows: Vec<T>,
        limit: Limit,
        cursor: Option<&Cursor<P>>,
        position: impl Fn(&T) -> P,
    ) -> Self {
        let more = rows.len() > usize::from(limit.get());
        rows.truncate(usize::from(limit.get()));
        let backwards = cursor.is_some_and(|c| c.direction == Direction::Before);
        if backwards {
            rows.reverse();
        }
        // Where one came from there is a neighbour, unless it was deleted meanwhile: then its page is empty.
        let (follows, precedes) = if backwards { (true, more) } else { (more, cursor.is_some()) };
        let edge = |item: Option<&T>, direction, exists: bool| {
            item.filter(|_| exists).map(|item| Cursor { position: position(item), direction })
        };
        let next = edge(rows.last(), Direction::After, follows);
        let prev = edge(rows.first(), Direction::Before, precedes);
        Self { items: rows, next, prev }
    }

    /// The same page of other items.
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Page<U, P> {
        Page { items: self.items.into_iter().map(f).collect(), next: self.next, prev: self.prev }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(rows: &[u8], cursor: Option<Direction>) -> (Vec<u8>, Option<u8>, Option<u8>) {
        let cursor = cursor.map(|direction| Cursor { position: 0, direction });
        let page = Page::from_rows(rows.to_vec(), Limit(2), cursor.as_ref(), |n| *n);
        (page.items, page.next.map(|c| c.position), page.prev.map(|c| c.position))
    }

    #[test]
    fn the_surplus_row_decides_whether_the_list_goes_on() {
        assert_eq!(page(&[1, 2], None), (vec![1, 2], None, None));
        assert_eq!(page(&[1, 2, 3], None), (vec![1, 2], Some(2), None));
    }

    #[test]
    fn a_page_reached_backwards_is_in_the_order_of_the_list() {
        assert_eq!(page(&[4, 3, 2], Some(Direction::Before)), (vec![3, 4], Some(4), Some(3)));
        assert_eq!(page(&[2, 1], Some(Direction::Before)), (vec![1, 2], Some(2), None));
    }

    #[test]
    fn a_page_reached_forwards_leads_back() {
        assert_eq!(page(&[5], Some(Direction::After)), (vec![5], None, Some(5)));
        assert_eq!(page(&[], Some(Direction::After)), (vec![], None, None));
    }

    #[test]
    fn a_limit_is_1_to_100() {
        for wrong in [i64::MIN, -1, 0, 101, i64::MAX] {
            assert_eq!(Limit::new(wrong).unwrap_err().code, "range", "{wrong}");
        }
        assert_eq!([1, 100].map(|n| Limit::new(n).unwrap().get()), [1, 100]);
    }
}
