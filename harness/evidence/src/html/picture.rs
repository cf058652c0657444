//! The architecture with each guard rail on it.

use maud::{Markup, PreEscaped, html};

use super::Report;
use super::controls::rail_link;
use super::index::{Index, Rail};
use super::parts::{badge, table, tally, verdict};
use super::summary::titled;
use crate::Verdict;

/// Where a guard rail stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Api,
    Functions,
    Roles,
    Deployers,
    Deployment,
    Elsewhere,
}

impl Place {
    const ALL: [Self; 6] = [
        Self::Api,
        Self::Functions,
        Self::Roles,
        Self::Deployers,
        Self::Deployment,
        Self::Elsewhere,
    ];

    const fn title(self) -> &'static str {
        match self {
            Self::Api => "HTTP API and its authorizer",
            Self::Functions => "Functions in the platform's network",
            Self::Roles => "Execution roles and identities",
            Self::Deployers => "Deployer roles",
            Self::Deployment => "Stacks, artifacts, logs, parameters",
            Self::Elsewhere => "Other guard rails",
        }
    }

    /// A guard rail that is not known here stands elsewhere, and is still seen.
    fn of(guard_rail: &str) -> Self {
        match guard_rail {
            "every route is behind the authorizer"
            | "no call without a valid token"
            | "no call without one of the route's scopes"
            | "the issuer's keys rotate"
            | "a valid token reaches its function"
            | "the API, its stage and its authorizer are the platform's"
            | "the platform's routes lead where the platform says" => Self::Api,
            "functions are reached through the API alone"
            | "a team's functions are its own"
            | "functions stay in the platform's network"
            | "functions reach the internet through NAT alone"
            | "nothing from the internet reaches a function"
            | "functions reach these endpoints alone"
            | "the network is the platform's" => Self::Functions,
            "every execution role carries the boundary"
            | "no boundary is removed or replaced"
            | "only a team's own roles run its functions"
            | "the boundary caps running code"
            | "the boundary caps a deployer"
            | "identities are the platform's"
            | "no known path leads to more permissions"
            | "policies say what they mean" => Self::Roles,
            "only its own workflow becomes a deployer"
            | "each team deploys by its own workflow" => Self::Deployers,
            "a team's stacks are its own"
            | "a team's artifacts are its own"
            | "a team's logs are its own"
            | "what the platform publishes is the platform's" => Self::Deployment,
            _ => Self::Elsewhere,
        }
    }
}

pub(super) fn section(report: &Report<'_>, index: &Index<'_>) -> Markup {
    html! {
        (titled("architecture", "The architecture and its guard rails",
            "Above the road of a request, below the road of a deployment. The table after the picture says the same in words."))
        div.picture role="region" tabindex="0" aria-label="Picture of the architecture" { (drawing(index)) }
        (table("Guard rails", &["Guard rail", "State", "Where", "Objectives", "Probes"], html! {
            @for rail in &index.rails {
                tr {
                    th scope="row" { (rail_link(index, rail.name)) }
                    td { (badge(verdict(rail.tally.verdict()))) }
                    td { (Place::of(rail.name).title()) }
                    td {
                        @for (place, objective) in report.catalogue.objectives_of(rail.name).enumerate() {
                            @if place > 0 { ", " }
                            a href={ "#objective-" (objective.id) } { (objective.id) }
                        }
                    }
                    td { @if rail.probes.is_empty() { "none" } @else { (tally(rail.tally)) } }
                }
            }
        }))
    }
}

/// A box of the picture.
struct Node<'a> {
    place: Place,
    x: u32,
    y: u32,
    width: u32,
    height: u32,
    rails: Vec<(usize, &'a Rail<'a>, Vec<String>)>,
}

const HEAD: u32 = 40;
const LINE: u32 = 16;
const GAP: u32 = 12;

impl<'a> Node<'a> {
    fn of(place: Place, x: u32, width: u32, index: &'a Index<'_>) -> Self {
        // Room for the icon, the counts and the padding; 7.4 units a letter.
        let letters = (width.saturating_sub(48 + 60) * 10 / 74) as usize;
        let rails: Vec<_> = index
            .rails
            .iter()
            .enumerate()
            .filter(|(_, rail)| Place::of(rail.name) == place)
            .map(|(number, rail)| (number, rail, wrapped(rail.name, letters)))
            .collect();
        let lines: usize = rails.iter().map(|(.., lines)| lines.len()).sum();
        let lines = u32::try_from(lines).unwrap_or(u32::MAX / 64);
        let count = u32::try_from(rails.len()).unwrap_or(u32::MAX / 64);
        let height = HEAD + lines * LINE + count * GAP + 6;
        Self { place, x, y: 0, width, height, rails }
    }
}

fn wrapped(text: &str, letters: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= letters => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

fn drawing(index: &Index<'_>) -> Markup {
    const TOP: u32 = 34;
    let [api, functions, roles, deployers, deployment, elsewhere] = Place::ALL;
    let mut above = [
        Node::of(api, 170, 330, index),
        Node::of(functions, 540, 310, index),
        Node::of(roles, 890, 310, index),
    ];
    let mut below =
        vec![Node::of(deployers, 170, 330, index), Node::of(deployment, 540, 310, index)];
    let other = Node::of(elsewhere, 890, 310, index);
    if !other.rails.is_empty() {
        below.push(other);
    }
    let tallest = |nodes: &[Node<'_>]| nodes.iter().map(|node| node.height).max().unwrap_or(0);
    let (first, second) = (tallest(&above), tallest(&below));
    let lower = TOP + first + 70;
    for node in &mut above {
        node.y = TOP;
        node.height = first;
    }
    for node in &mut below {
        node.y = lower;
        node.height = second;
    }
    let height = lower + second + 10;
    let (upper_middle, lower_middle) = (TOP + first / 2, lower + second / 2);
    html! {
        svg.map viewBox={ "0 0 1210 " (height) } role="group" aria-labelledby="map-title map-desc" {
            title #map-title { "The architecture with the state of each guard rail" }
            desc #map-desc {
                "A client calls the HTTP API, which calls functions in the platform's network, which run under "
                "execution roles. GitHub workflows become deployers, which change the API, the functions and the "
                "roles by stacks. Each box lists its guard rails; the table below has the same."
            }
            defs {
                marker #tip viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto" {
                    path.tip d="M0 0 L8 4 L0 8 z" {}
                }
            }
            text.lane x="0" y="18" { "Request" }
            text.lane x="0" y=(lower - 16) { "Deployment" }
            (actor(0, upper_middle, "Client", "with a token"))
            (actor(0, lower_middle, "GitHub", "workflow"))
            (arrow(&format!("M120 {upper_middle} H164")))
            (arrow(&format!("M500 {upper_middle} H534")))
            (arrow(&format!("M850 {upper_middle} H884")))
            (arrow(&format!("M120 {lower_middle} H164")))
            (arrow(&format!("M500 {lower_middle} H534")))
            // From the stacks up to what they make.
            (arrow(&format!("M640 {lower} V{}", TOP + first + 6)))
            (arrow(&format!("M600 {lower} V{} H400 V{}", lower - 36, TOP + first + 6)))
            (arrow(&format!("M680 {lower} V{} H1000 V{}", lower - 36, TOP + first + 6)))
            @for node in above.iter().chain(&below) { (self::node(node)) }
        }
    }
}

fn arrow(path: &str) -> Markup {
    html! { path.arrow d=(path) marker-end="url(#tip)" {} }
}

fn actor(x: u32, middle: u32, name: &str, more: &str) -> Markup {
    html! {
        g.actor {
            rect x=(x) y=(middle - 28) width="120" height="56" rx="28" {}
            text x=(x + 60) y=(middle - 3) text-anchor="middle" { (name) }
            text.more x=(x + 60) y=(middle + 14) text-anchor="middle" { (more) }
        }
    }
}

fn node(node: &Node<'_>) -> Markup {
    let mut y = node.y + HEAD + 14;
    html! {
        g.node {
            rect x=(node.x) y=(node.y) width=(node.width) height=(node.height) rx="8" {}
            text.name x=(node.x + 16) y=(node.y + 25) { (node.place.title()) }
            @for (number, rail, lines) in &node.rails {
                (guard_rail(node, *number, rail, lines, y))
                @let () = y += u32::try_from(lines.len()).unwrap_or(1) * LINE + GAP;
            }
        }
    }
}

fn guard_rail(node: &Node<'_>, number: usize, rail: &Rail<'_>, lines: &[String], y: u32) -> Markup {
    let found = rail.tally.verdict();
    let (class, word) = verdict(found);
    html! {
        a href={ "#g" (number) } class={ "mark " (class) } aria-label=(format!("{} {}/{}, {word}", rail.name, rail.tally.held, rail.tally.all())) {
            (icon(found, node.x + 24, y - 4))
            text x=(node.x + 42) y=(y) {
                @for (place, line) in lines.iter().enumerate() {
                    tspan x=(node.x + 42) dy=(if place == 0 { 0 } else { LINE }) { (line) " " }
                }
            }
            text.tally x=(node.x + node.width - 14) y=(y) text-anchor="end" { (rail.tally.held) "/" (rail.tally.all()) }
        }
    }
}

/// A shape of its own for each verdict, so that colour is not needed.
fn icon(found: Verdict, x: u32, y: u32) -> Markup {
    let shape = match found {
        Verdict::Held => r#"<circle r="8"/><path d="M-3.6 .2 L-1 2.8 L3.8 -2.6"/>"#,
        Verdict::Failed => {
            r#"<rect x="-7.5" y="-7.5" width="15" height="15"/><path d="M-3 -3 L3 3 M3 -3 L-3 3"/>"#
        }
        Verdict::Inconclusive => {
            r#"<path class="body" d="M0 -9 L9 0 L0 9 L-9 0 z"/><path d="M0 -4 V1 M0 3.6 V4.4"/>"#
        }
        Verdict::Accepted => {
            r#"<path class="body" d="M0 -9 L9 0 L0 9 L-9 0 z"/><path d="M-3 0 H3"/>"#
        }
        Verdict::NotRun | Verdict::NotApplicable => {
            r#"<circle class="open" r="7"/><path d="M-3.2 0 H3.2"/>"#
        }
    };
    html! { g.icon transform={ "translate(" (x) " " (y) ")" } { (PreEscaped(shape)) } }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controls::Catalogue;

    #[test]
    fn every_guard_rail_stands_in_the_picture_once_even_one_that_has_no_place() {
        let catalogue = Catalogue::builtin().unwrap();
        let mut record = crate::fixtures::record();
        record.probes[0].guard_rail = "a new kind of guard rail".to_owned();
        let index = Index::of(&record, &catalogue);
        let page = drawing(&index).into_string();
        for number in 0..index.rails.len() {
            assert_eq!(page.matches(&format!("href=\"#g{number}\"")).count(), 1, "{number}");
        }
        assert!(page.contains("Other guard rails"));
        assert_eq!(Place::of("the network is the platform's"), Place::Functions);
    }

    #[test]
    fn lines_are_broken_between_words() {
        assert_eq!(wrapped("no call without a token", 10), ["no call", "without a", "token"]);
        assert_eq!(wrapped("", 10), Vec::<String>::new());
    }
}
