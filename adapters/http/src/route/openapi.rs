//! The OpenAPI document of one version, made from its routes: what every operation has in common is said here once.

use super::{Facts, Tag, deprecation::Deprecation, media_types};
use crate::problem::{Kind, Problem};
use http::Method;
use serde_json::json;
use utoipa::{
    PartialSchema as _, ToSchema as _,
    openapi::{
        Components, Content, Deprecated, Header, HttpMethod, Info, License, ObjectBuilder, OpenApi,
        OpenApiBuilder, PathItem, Paths, Ref, RefOr, Response, ResponseBuilder, Schema, Server,
        path::{Operation, Parameter, ParameterIn},
        schema::{SchemaType, Type},
        tag::TagBuilder,
    },
};

/// The document of `version`. `root_path` stands in front of every path.
pub(crate) fn document(version: &str, root_path: &str, routes: Vec<Facts>) -> OpenApi {
    let mut components = Components::new();
    let mut schemas = vec![(Problem::name().into_owned(), Problem::schema())];
    Problem::schemas(&mut schemas);
    let mut paths = Paths::new();
    let mut tags: Vec<&Tag> = Vec::new();
    for mut facts in routes {
        schemas.append(&mut facts.schemas);
        let Some(operation) = operation(&facts) else { continue };
        tags.extend(facts.tag.filter(|tag| tags.iter().all(|known| known.name != tag.name)));
        let item = PathItem::new(documented(&facts.method), operation);
        paths.paths.entry(facts.path).or_default().merge_operations(item);
    }
    components.schemas.extend(schemas);
    let mut info = Info::new(format!("Plinth API {version}"), env!("CARGO_PKG_VERSION").to_owned());
    info.description = Some(DESCRIPTION.to_owned());
    info.license = Some(License::new("Apache-2.0"));
    let tags = tags
        .into_iter()
        .map(|tag| TagBuilder::new().name(tag.name).description(Some(tag.description)).build());
    OpenApiBuilder::new()
        .info(info)
        .paths(paths)
        .components(Some(components))
        .servers(Some([Server::new(if root_path.is_empty() { "/" } else { root_path })]))
        .tags(Some(tags))
        .build()
}

const DESCRIPTION: &str = "Every answer carries `X-Request-Id`. Every error is a problem by RFC 9457 \
    (`application/problem+json`). Every path also answers HEAD where it answers GET, and OPTIONS; a method that it does \
    not answer gets 405 with `Allow`.";

/// What the handler's own annotation says, and what follows from its shape.
fn operation(facts: &Facts) -> Option<Operation> {
    let mut operation = facts.operation.clone()?;
    for kind in problems(facts, &operation) {
        operation
            .responses
            .responses
            .insert(kind.status().as_str().to_owned(), problem(kind, &facts.path).into());
    }
    if let Some(deprecation) = &facts.deprecation {
        operation.deprecated = Some(Deprecated::True);
        let text = operation.description.take().unwrap_or_default();
        operation.description = Some(format!("{text}\n\n{}", deprecation.note()).trim().to_owned());
    }
    for parameter in operation.parameters.iter_mut().flatten() {
        if let RefOr::T(parameter) = parameter {
            forbid_null(parameter);
        }
    }
    let unrouted = UNROUTED.map(|kind| kind.status().as_str().to_owned());
    for (status, response) in &mut operation.responses.responses {
        if let RefOr::T(response) = response {
            add_headers(response, facts.deprecation.is_some() && !unrouted.contains(status));
        }
    }
    Some(operation)
}

/// Answered before the route is found, so that nothing can be said of its deprecation.
const UNROUTED: [Kind; 2] = [Kind::UriTooLong, Kind::HeaderTooLarge];

/// Every way in which the operation can fail.
fn problems(facts: &Facts, operation: &Operation) -> Vec<Kind> {
    let mut kinds = vec![Kind::BadRequest, Kind::Internal, Kind::Unavailable, Kind::Deadline];
    kinds.extend(UNROUTED);
    let has = |place: ParameterIn| {
        let mut parameters = operation.parameters.iter().flatten();
        parameters
            .any(|parameter| matches!(parameter, RefOr::T(parameter) if parameter.parameter_in == place))
    };
    if has(ParameterIn::Path) {
        kinds.push(Kind::NotFound);
    }
    if has(ParameterIn::Query) {
        kinds.push(Kind::Unprocessable);
    }
    if !media_types(facts).is_empty() {
        kinds.extend([
            Kind::Unprocessable,
            Kind::BodyTimeout,
            Kind::BodyTooLarge,
            Kind::UnsupportedMediaType,
        ]);
    }
    kinds.extend(facts.fails);
    kinds
}

fn problem(kind: Kind, path: &str) -> Response {
    let example = json!({
        "type": format!("/doc/errors#{}", kind.slug()),
        "title": kind.title(),
        "status": kind.status().as_u16(),
        "detail": kind.meaning(),
        "instance": path,
        "request_id": "01890b6f-0000-7000-8000-000000000000",
    });
    let mut content = Content::new(Some(Ref::from_schema_name(Problem::name())));
    content.example = Some(example);
    let response =
        ResponseBuilder::new().description(kind.meaning()).content("application/problem+json", content);
    match kind {
        Kind::Unavailable | Kind::TooManyRequests => {
            response.header("Retry-After", header("When to come again, in seconds.")).build()
        }
        _ => response.build(),
    }
}

fn add_headers(response: &mut Response, deprecated: bool) {
    let common = [("X-Request-Id", "Finds this request in the log.")];
    let deprecation = Deprecation::HEADERS.into_iter().filter(|_| deprecated);
    for (name, description) in common.into_iter().chain(deprecation) {
        response.headers.insert(name.to_owned(), header(description).into());
    }
}

/// An optional parameter may be left out; `null` is nothing that it could be.
fn forbid_null(parameter: &mut Parameter) {
    if let Some(RefOr::T(Schema::Object(schema))) = &mut parameter.schema
        && let SchemaType::Array(types) = &schema.schema_type
        && let Some(only) = types.iter().find(|one| **one != Type::Null)
    {
        schema.schema_type = SchemaType::Type(only.clone());
    }
}

fn header(description: &str) -> Header {
    let mut header = Header::new(ObjectBuilder::new().schema_type(Type::String));
    header.description = Some(description.to_owned());
    header
}

fn documented(method: &Method) -> HttpMethod {
    match *method {
        Method::POST => HttpMethod::Post,
        Method::PUT => HttpMethod::Put,
        Method::DELETE => HttpMethod::Delete,
        Method::PATCH => HttpMethod::Patch,
        _ => HttpMethod::Get,
    }
}
