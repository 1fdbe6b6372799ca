//! What a key holds.

use super::hash::Hash;
use super::list::List;
use super::set::Set;
use super::sorted_set::SortedSet;
use super::string::Str;

/// A key holds another kind of value than the command works on (`WRONGTYPE`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrongType;

/// What a key holds. The large kinds are boxed, so that a string costs no more than a string.
#[derive(Clone)]
pub enum Value {
    /// `string`
    String(Str),
    /// `list`
    List(Box<List>),
    /// `hash`
    Hash(Box<Hash>),
    /// `set`
    Set(Box<Set>),
    /// `zset`
    SortedSet(Box<SortedSet>),
}

/// One kind of value.
pub trait Kind: Sized + Default {
    /// The value as this kind, if it is of it.
    fn of(value: &Value) -> Option<&Self>;
    /// The value as this kind, to change.
    fn of_mut(value: &mut Value) -> Option<&mut Self>;
    /// As a value.
    fn into_value(self) -> Value;
    /// True of an aggregate without elements, whose key has to go. Never true of a string.
    fn is_void(&self) -> bool;
}

macro_rules! kind {
    ($kind:ty, $variant:ident, $wrap:expr, $void:expr) => {
        impl Kind for $kind {
            fn of(value: &Value) -> Option<&Self> {
                if let Value::$variant(inner) = value { Some(inner) } else { None }
            }
            fn of_mut(value: &mut Value) -> Option<&mut Self> {
                if let Value::$variant(inner) = value { Some(inner) } else { None }
            }
            fn into_value(self) -> Value {
                Value::$variant($wrap(self))
            }
            fn is_void(&self) -> bool {
                $void(self)
            }
        }
    };
}

kind!(Str, String, std::convert::identity, |_: &Str| false);
kind!(List, List, Box::new, |list: &List| list.len() == 0);
kind!(Hash, Hash, Box::new, |hash: &Hash| hash.len() == 0);
kind!(Set, Set, Box::new, |set: &Set| set.len() == 0);
kind!(SortedSet, SortedSet, Box::new, |set: &SortedSet| set.len() == 0);

impl Value {
    /// What `TYPE` answers.
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::String(_) => "string",
            Value::List(_) => "list",
            Value::Hash(_) => "hash",
            Value::Set(_) => "set",
            Value::SortedSet(_) => "zset",
        }
    }

    /// True of an aggregate without elements, whose key has to go. Never true of a string.
    pub fn is_void(&self) -> bool {
        match self {
            Value::String(_) => false,
            Value::List(value) => value.is_void(),
            Value::Hash(value) => value.is_void(),
            Value::Set(value) => value.is_void(),
            Value::SortedSet(value) => value.is_void(),
        }
    }

    /// What `OBJECT ENCODING` answers.
    pub fn encoding(&self) -> &'static str {
        match self {
            Value::String(value) => value.encoding(),
            Value::List(value) => value.encoding(),
            Value::Hash(value) => value.encoding(),
            Value::Set(value) => value.encoding(),
            Value::SortedSet(value) => value.encoding(),
        }
    }

    /// Bytes that the value holds on the heap. O(1): each kind keeps count.
    pub fn memory(&self) -> usize {
        match self {
            Value::String(value) => value.memory(),
            Value::List(value) => size_of::<List>() + value.memory(),
            Value::Hash(value) => size_of::<Hash>() + value.memory(),
            Value::Set(value) => size_of::<Set>() + value.memory(),
            Value::SortedSet(value) => size_of::<SortedSet>() + value.memory(),
        }
    }
}
