//! The operations of AWS's services, from `ringfence-models`.

pub use ringfence_models::{
    ErrorModel, Form, Kind, Location, Member, Model, Operation, Protocol, Service, Shape,
};
