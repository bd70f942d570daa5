//! The account, and the projects on the server.

use super::*;

#[test]
fn the_default_entity_is_the_accounts() {
    let (transport, policy) = (transport(Server::shared()), fast());
    let retry = Retry { policy: &policy, stop: &Stop::new() };
    assert_eq!(project::default_entity(&transport, &retry).unwrap(), ENTITY);
}

#[test]
fn a_project_is_made_once_and_goes_by_the_name_that_the_server_gives() {
    let (transport, policy) = (transport(Server::shared()), fast());
    let retry = Retry { policy: &policy, stop: &Stop::new() };
    let made = project::ensure(&transport, &retry, ENTITY, "my project: one").unwrap();
    assert_eq!(made, "my-project--one");
    assert_eq!(project::ensure(&transport, &retry, ENTITY, &made).unwrap(), made);
}

#[test]
fn an_entity_without_access_is_forbidden() {
    let (transport, policy) = (transport(Server::shared()), fast());
    let retry = Retry { policy: &policy, stop: &Stop::new() };
    let error = project::ensure(&transport, &retry, "forbidden", "p").unwrap_err();
    assert_eq!(error.status(), Status::Forbidden);
    assert!(error.text().contains("forbidden/p"), "{error}");
}

#[test]
fn internal_ids_are_given_for_the_projects_that_exist() {
    let (server, policy) = (Server::shared(), fast());
    server.make_project(ENTITY, "known");
    let retry = Retry { policy: &policy, stop: &Stop::new() };
    let asked = [format!("{ENTITY}/known"), format!("{ENTITY}/unknown-project")];
    let ids = project::internal_ids(&transport(server), &retry, &asked).unwrap().unwrap();
    assert_eq!(ids.iter().map(|id| &id.project).collect::<Vec<_>>(), [&asked[0]]);
    assert!(ids[0].id.starts_with("UHJv"), "{ids:?}");
}

#[test]
fn a_server_without_the_route_gives_no_internal_ids() {
    let (server, policy) = (Server::shared(), fast());
    let retry = Retry { policy: &policy, stop: &Stop::new() };
    let older = transport_with(&format!("{}/older", server.url()), &[]);
    assert_eq!(project::internal_ids(&older, &retry, &["e/p".to_owned()]).unwrap(), None);
}
