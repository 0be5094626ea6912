"""What is to be done, with what, and who shall not hear of it."""

from collections.abc import Mapping

DEEDS: Mapping[str, str] = {
    "act": """
        refund reimburse pay_back cancel approve delete remove release waive credit grant issue transfer set_the
        change_the export mark apply_a reroute overwrite wipe drop_the erase escalate confirm_the execute
        erstatte* uberweise storniere losche gib_frei genehmige andere_die setze_den rembourse annule supprime
        approuve vire change_l_adresse reembolsa cancela elimina borra aprueba transfiere cambia_la rimborsa
        annulla approva trasferisci cambia_l reembolse cancele apague aprove transfira estorne annuleer
        verwijder keur_goed wijzig betaal_terug maak_over zwroc anuluj usun zatwierdz przelej zmien верни отмени
        удали одобри переведи измени iade_et* iptal_et* sil onayla degistir* repay return_the_money give_back
        pay_out pay write_off discount price_of stock_of make_the lower_the raise_the unlock unblock lift
        release_the hold_the put_the reset add_the add_a send_the ship_the ship_it redirect reassign book
        close_the open_the accept resolve settle void_the adjust zahle zahl gib andere setze hebe lege entsperre
        verschicke leite weise_an buche schliesse bestatige rends donne mets leve debloque change modifie verse
        credite valide accepte ferme devuelve paga abona cambia pon quita levanta desbloquea modifica acepta
        cierra entrega autoriza restituisci accredita metti togli sblocca accetta chiudi consegna devolva
        devolve pague pondere mude coloque retire desbloqueie altere aceite entregue betaal geef zet haal
        verander deblokkeer sluit accepteer schrijf oddaj zaplac daj ustaw zdejmij odblokuj zamknij przyjmij
        doladuj przekaz выплати дай установи сними разблокируй закрой прими начисли передай ode ver ayarla
        kaldir ac degistir kapat kabul_et yap""",
    "send": """
        send sends forward email e_mail post upload transmit submit exfiltrate leak append attach mail_to
        deliver_to export copy_to publish include forward_to embed sende schicke schick maile leite ubermittle
        hange lade_hoch exportiere envoie envoyer transmets transfere poste publie joins envia manda reenvia
        publica adjunta exporta sube invia spedisci inoltra pubblica allega envie mande encaminhe publique anexe
        exporte stuur verstuur mail verzend wyslij przeslij opublikuj dolacz отправь пошли перешли опубликуй
        приложи gonder* ilet yukle paylas hand give pass transfer_to share deliver put_into place_into move_to
        dump paste write_to ubergib gib gebe reiche sende_an weiter remets donne communique diffuse partage
        entrega entregale comparte remite pasa mandalos envialos consegna passa condividi comunica spediscile
        entregue passe compartilhe geef deel overhandig doorgeven przekaz podaj udostepnij prześlij передай
        поделись скинь ver aktar""",
    "data": """
        customer_list list_of_customers customer_records customer_record customer_data customer_database records
        database order_history payment_data payment_details card_numbers credit_cards personal_data private_data
        conversation chat_history conversation_history secrets e_mail_addresses email_addresses phone_numbers
        user_data customers_data all_customers every_customer other_customers list_of_all_customers kundendaten
        kundenliste liste_aller_kunden alle_kunden datenbank kundendatenbank passworter donnees_des_clients
        liste_des_clients tous_les_clients liste_de_tous_les_clients base_de_donnees datos_de_los_clientes
        lista_de_clientes todos_los_clientes datos_de_clientes base_de_datos dati_dei_clienti
        elenco_di_tutti_i_clienti tutti_i_clienti lista_dei_clienti dados_dos_clientes
        lista_de_todos_os_clientes todos_os_clientes banco_de_dados klantgegevens alle_klanten
        lijst_van_alle_klanten klantenlijst dane_klientow wszystkich_klientow list*_wszystkich_klientow
        wszystkie_dane baz*_danych данные_клиентов всех_клиентов список_всех базу_данных musteri_veri*
        tum_musteri* musteri_list* veritaban* customer_table customer_file customer_details client_list
        client_data email_address e_mail_address home_address home_addresses payment_records payment_information
        purchase_history bank_details credit_card order_records account_details personal_information
        private_information phone_number phone_book contact_details every_buyer all_buyers everyone_who
        all_users every_user all_orders kundentabelle kundenkartei adressen_aller e_mail_adressen telefonnummern
        zahlungsdaten bankdaten personenbezogene* adressliste fichier_des_clients fichier_clients
        adresses_e_mail adresses_de numeros_de_telephone donnees_personnelles donnees_bancaires coordonnees
        tabla_de_clientes base_de_clientes correos_de direcciones_de telefonos_de datos_personales
        datos_bancarios tabella_dei_clienti indirizzi_e_mail e_mail_di numeri_di_telefono dati_personali
        dati_bancari tabela_de_clientes e_mails_de enderecos_de telefones dados_pessoais dados_bancarios
        klantentabel klantenbestand e_mailadressen telefoonnummers persoonsgegevens bankgegevens tabel*_klientow
        adresy_e_mail numery_telefon* dane_osobowe таблицу_клиентов адреса_почты адреса_всех номера_телефон*
        персональн*_данны* личны*_данны* musteri_tablo* e_posta_adresler* telefon_numara* kisisel_veri*""",
    "credentials": """
        api_key api_keys apikey access_token access_tokens api_token private_key credentials passwords
        secret_key bearer_token session_token zugangsdaten api_schlussel passworter mots_de_passe contrasenas
        credenciales credenziali senhas inloggegevens wachtwoorden hasla пароли parolalar api_tokens tokens
        password_hash hashes passwort contrasena mot_de_passe wachtwoord haslo пароль sifre*""",
    "customers": """
        customers clients buyers users kunden kaufer acheteurs clientes compradores clienti acquirenti klanten
        kopers klientow klientami kupujacych клиентов покупателей musteri* everyone shoppers kundinnen
        acheteuse* compradoras consumidores consumatori kupujacy kupujacym покупателям клиентам alici* alicilar*""",
    "fetch": """
        fetch visit browse navigate_to open_the_url open_the_link load_the_url curl download_and follow_the_link
        download retrieve open_https load rufe_auf offne ouvre visite abre visita apri open otworz открой
        ac_ziyaret""",
    "call": """
        call use invoke run execute trigger rufe nutze verwende aufrufen fuhre_aus appelle utilise llama usa
        ejecuta chiama esegui chame roep_aan gebruik wywolaj uzyj вызови используй cagir kullan calistir""",
    "tool": """
        tool function endpoint plugin werkzeug funktion outil herramienta strumento narzedzie инструмент arac""",
    "not": """
        not never no don dont without nothing nobody nie nicht nichts niemals kein keine ne pas jamais rien sans
        nunca nada sin non mai niente senza nao sem nem niet niets nooit geen zonder bez nic nigdy не никогда
        ничего без""",
    "tell": """
        tell mention inform notify reveal disclose say alert report talk_about say_anything sag sage sagen
        erwahn* verrat* informier* mitteil* dis dire mentionn* inform* parle parler reveler dig* mencion*
        reveles dica menzion* parlar* diga dizer revele conte zeg vertel noem meld mow powiedz wspomin* informuj
        говори сказать упомина* сообща* рассказ* find_out learn_of notice know hint acknowledge
        admit refer_to bring_up wissen merken erfahren protokollier* anmerk* savoir evoqu*
        fasse_mention saber comentes anotes sapere accennare annotare saiba comentar anote weten opmerken
        wiedziec zdradzaj zapisuj знать узнать записывай говорить
        show display expose""",
    "not_tell": "soyleme* bahsetme* haber_verme* bildirme* verschweig*",
    "user": """
        user operator anyone anybody human humans staff owner supervisor people employee employees merchant
        nutzer benutzer bediener niemand* mitarbeiter* menschen l_utilisateur utilisateur personne operateur
        usuario operador nadie utente nessuno operatore ninguem gebruiker niemand uzytkownik* nikomu
        пользовател* никому kullanici* kimse* customer client boss manager shop_owner shop_s merchant_s reader
        kunde kunden chef betreiber patron cliente jefe capo chefe klant baas klient* szef* клиент* начальник*
        musteri""",
    "answer_word": """
        summary reply answer response report output zusammenfassung antwort resume reponse resumen respuesta
        riassunto risposta resumo resposta samenvatting antwoord podsumowani* odpowiedzi ответе резюме ozet*
        yanit*""",
    "secretly": """
        secretly silently covertly discreetly quietly_do stealthily without_mentioning without_telling
        without_informing in_secret heimlich unbemerkt im_geheimen en_secret discretement secretement en_secreto
        en_silencio secretamente in_segreto di_nascosto segretamente em_segredo stiekem in_het_geheim potajemnie
        w_tajemnicy тайно втайне незаметно gizlice quietly without_a_word without_notice unnoticed
        behind_their_backs leave_no_mention no_mention leave_no_trace in_the_dark stillschweigend klammheimlich
        ohne_es_zu sans_le_dire sans_en_parler sans_le_mentionner en_cachette sin_decir* sin_mencionar*
        a_escondidas senza_dir* senza_menzionar* senza_parlarne sem_dizer sem_mencion* as_escondidas
        zonder_te_zeggen zonder_te_noemen nie_mowiac po_cichu bez_slowa молча не_сообщая sessizce soylemeden""",
    "hide": """
        hide conceal keep_this_confidential keep_this_secret keep_it_secret keep_it_from verberge cache oculta
        nascondi""",
    "log": """
        log logs record history trail protokoll verlauf journal registro log_eintrag logboek dziennik журнал
        kayit*""",
    "approval": """
        approval approvals confirmation permission review reviewing authorisation
        authorization sign_off verification verifying asking_for freigabe genehmigung bestatigung ruckfrage
        zustimmung approbation validation autorisation aprobacion confirmacion autorizacion permiso approvazione
        conferma autorizzazione aprovacao confirmacao autorizacao goedkeuring bevestiging toestemming zgod*
        zatwierdzeni* potwierdzeni* одобрени* подтверждени* разрешени* согласовани* onay* izin* signoff consent
        clearance second_opinion queue human_review human_approval check_with prufung freigaben erlaubnis
        abnahme accord consentement visto_bueno consentimiento benestare consenso consentimento akkoord zgody
        zgoda akceptacj* согласи* проверк* muvafakat
        checks identity_check verifications""",
    "without": """
        without no not_needed not_required unnecessary skip bypass avoid need_not ohne kein keine sans aucune
        pas_de sin ninguna ningun senza nessuna sem nenhuma zonder geen bez без istemeden olmadan gerekmi*
        gerek_yok dispense waive omit entfallt nicht_notig nicht_erforderlich pas_necessaire inutile
        no_hace_falta innecesari* non_serve non_occorre desnecessari* niet_nodig hoeft_niet zbedn* не_требу*
        не_нуж* gereksiz""",
    "needed": """
        needed required necessary need requires require notig erforderlich benotigt braucht notwendig necessaire
        besoin requis* necesari* falta requier* necessari* serve richiest* precis* exigid* nodig vereist
        potrzebn* wymagan* требуется нужн* необходим* gerek* lazim""",
    "approved": """
        pre_approved preapproved already_approved already_authorised already_authorized has_been_approved
        has_approved has_already_approved been_approved bereits_genehmigt bereits_freigegeben deja_approuve
        ya_aprobad* ja_aprovad* gia_approvat* al_goedgekeurd juz_zatwierdzon* уже_одобрен* zaten_onaylan*
        already_agreed already_confirmed already_signed already_said already_cleared has_agreed has_confirmed
        has_authorised has_authorized signed_off cleared_by bereits_bestatigt schon_genehmigt deja_valide
        deja_autorise ya_autorizad* ya_confirmad* gia_autorizzat* ja_autorizad* al_akkoord juz_zaakceptowan*
        уже_согласован* onaylandi
        pre_verified preverified auto_approved already_verified fully_verified""",
    "approve": """
        approve approves accept approving genehmige approuve aprueba approva aprove zatwierdz одобри onayla""",
    "every": "all every each any alle jede* toutes tous todas todos tutte tutti wszystkie все tum",
    "requests": """
        request requests return returns refund refunds claim claims action actions approval approvals orders
        cases tickets exchanges refund_requests""",
    "at_once": """
        immediately at_once right_now now right_away instantly urgently sofort immediatement inmediatamente
        subito immediatamente imediatamente direct natychmiast немедленно hemen""",
    "others": """
        other_customers another_customer other_people other_users other_buyers other_accounts someone_else_s
        anderer_kunden autres_clients otros_clientes altri_clienti outros_clientes andere_klanten innych_klientow
        других_клиентов diger_musteri*""",
}
