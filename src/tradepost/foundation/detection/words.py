"""What words mean in twelve languages, as far as injected instructions are made of them.

A trailing `*` stands for any ending, `_` joins words that follow one another. Words with capitals count as they are
written ("AI": in French "ai" is a verb). Accents and case are folded before anything is compared. Chinese and Japanese
have no blanks between words and are looked for anywhere in a text (words_cjk).
"""

from collections.abc import Mapping

WORDS: Mapping[str, str] = {
    "ignore": """
        ignor* disregard* forget overrid* overrul* bypass* circumvent* discard* pay_no_attention do_not_follow
        stop_following do_not_obey do_not_listen
        ignorier* vergiss vergesst missacht* umgeh* ueberschreib* uberschreib* befolge_nicht
        oubli* contourn* ne_tiens_pas_compte ne_tenez_pas_compte ne_suis_pas passe_outre
        olvid* desobede* haz_caso_omiso no_sigas no_hagas_caso
        dimentic* scavalc* non_seguire trascur*
        esquec* desconsider* desrespeit*
        negeer* negeren vergeet omzeil*
        zignoruj* ignoruj* zapomnij* pomin*
        игнорир* проигнорир* забуд* не_обращай*
        yok_say* gormezden_gel* unut unutun dikkate_alma*

        omit abandon set_aside put_aside stop_what_you drop_what_you do_not_heed do_not_consider leave_aside throw_away
        do_not_comply no_longer_follow no_longer_obey unlearn
        lass_ausser_acht setz_dich_hinweg verwirf beachte_nicht
        laisse_tomber laisse_de_cote ecarte fais_abstraction ne_respecte_pas
        pasa_por_alto deja_de_lado descarta prescinde no_respetes no_tengas_en_cuenta
        lascia_perdere scarta metti_da_parte non_rispettare non_tenere_conto non_tener_conto
        deixe_de_lado descarte nao_siga nao_respeite nao_leve
        laat_buiten_beschouwing leg_naast_je volg_niet
        odrzuc nie_przestrzegaj nie_stosuj
        отбрось пренебрег* не_следуй не_соблюдай
        gozardi boş_ver bos_ver uyma""",
    "void": """
        void obsolete outdated invalid superseded revoked expired null_and_void no_longer_apply no_longer_applies
        no_longer_valid out_of_date
        ungultig ungueltig aufgehoben hinfallig uberholt veraltet gilt_nicht_mehr gelten_nicht_mehr
        caduc* perime* annulees annules ne_s_applique_plus
        anuladas anulados obsolet* invalid* ya_no_vale* caducad*
        annullat* superat* scadut* non_valgono_piu non_vale_piu
        anulad* revogad* nao_valem_mais nao_vale_mais
        ongeldig vervallen verouderd niet_meer_geldig
        niewazn* uniewaznio* nieaktualn* nie_obowiazuj*
        недействительн* отменен* устарел* не_действу*
        gecersiz* iptal_edildi

        replaced cancelled canceled withdrawn overwritten lifted repealed not_valid do_not_apply does_not_apply
        no_longer_in_force no_longer_count no_longer_counts
        ersetzt widerrufen ausser_kraft nichtig zahlt_nicht_mehr unwirksam
        remplace* revoque* nulles plus_valable* plus_en_vigueur ne_valent_plus ne_vaut_plus
        reemplazad* revocad* sin_efecto nulas ya_no_cuenta* ya_no_aplica* ya_no_rige*
        sostituit* revocat* nulle senza_effetto non_vale non_contano
        substituid* sem_efeito nulas ja_nao_vale* ja_nao_conta*
        vervangen ingetrokken nietig geldt_niet_meer gelden_niet_meer
        zastapion* cofnie* nie_obowiazuje przestal* nie_licza
        заменен* аннулирован* больше_не_действу* не_имеет_силы утратил*
        yururlukten gecerli_degil hukumsuz kaldirildi""",
    "all_before": """
        all any previous prior above earlier before preceding former foregoing original initial everything every
        alle aller allen alles bisherig* vorherig* vorig* obig* fruher* oben vorangehend* urspruenglich* ursprunglich*
        toutes tous tout precedent* anterieur* ci_dessus initial*
        todas todos todo anterior* previ* inicial* arriba
        tutte tutti tutto precedent* sopra inizial*
        todas todos tudo acima
        alle vorige eerdere bovenstaande voorgaande alles
        wszystkie wszystkich wszystkim poprzedni* wczesniejsz* powyzsz*
        все всё всех всю предыдущ* прежн* ранее выше
        tum butun onceki her_seyi yukaridaki""",
    "instructions": """
        instruction* rule rules guideline* guidance directive* directions guardrail* constraint* restriction* prompt
        prompts commands policies policy programming assignment orders
        anweisung* anleitung* regel regeln vorgabe* richtlinie* instruktion* befehl* weisung*
        instructions consigne* regles directive* ordres
        instruccion* reglas directri* normas ordenes
        istruzion* regole direttiv* ordini_ricevuti
        instruc* instrucoes regras diretriz* orientac*
        instructie* regels richtlijn* opdracht* aanwijzing*
        instrukcj* zasad* polece* wytyczn*
        инструкц* правил* указани* директив*
        talimat* kural* yonerge* komut*""",
    "prompt": """
        system_prompt system_prompts system_message system_instructions initial_prompt hidden_prompt hidden_instructions
        secret_instructions developer_message
        systemprompt* systemnachricht* system_prompt
        prompt_systeme message_systeme
        prompt_del_sistema mensaje_del_sistema instrucciones_del_sistema
        prompt_di_sistema messaggio_di_sistema
        prompt_de_sistema prompt_do_sistema
        systeemprompt* prompt_systemow* prompt_systemowy
        системн*_промпт* системн*_сообщен* sistem_istem* sistem_prompt*

        hidden_rules secret_rules secret_prompt original_prompt original_instructions exact_instructions
        internal_instructions internal_rules your_configuration geheime*_anweisung* geheimen_anweisung*
        versteckt*_anweisung* consignes_cachees consignes_secretes instrucciones_ocultas instrucciones_secretas
        istruzioni_nascoste istruzioni_segrete instrucoes_ocultas instrucoes_secretas verborgen_instructies
        geheime_instructies ukryt*_instrukcj* tajn*_instrukcj* скрыт*_инструкц* секретн*_инструкц* gizli_talimat*""",
    "your": """
        your yours dein deine deinen deiner deines deinem ton ta tes tu tus tuo tua tuoi tue teu teus suas seus
        jouw je twoj* swoj* твои твой твоя твое твоих свой свои senin""",
    "mine": """
        my mine our ours mein meine meinen meiner meinem meines unser* mon ma mes notre nos mi mis nuestr* mio mia miei
        mie nostr* meu meus minha minhas nosso* nossa* mijn onze ons moj moja moje mojej moja moich nasz* мой моя мое мои
        моего моих наш* benim bizim""",
    "goods": """
        delivery deliver shipping assembly washing care packaging package box label manual leaflet courier driver
        installation safety cooking user_manual return_label medication reading
        liefer* aufbau* montage* pflege* karton packung beipack* bedienungs* gebrauchs* boite carton notice livraison
        montage emploi entrega caja montaje uso scatola consegna montaggio caixa montagem encomenda doos bezorg*
        gebruik* verpakking pudelk* dostaw* montaz* obslug* коробк* доставк* сборк* применени* kutu* teslimat*""",
    "told": """
        told been_told were_given been_given was_said you_were_asked you_know gesagt wurde mitgeteilt dit dites
        dijeron dicho indicaron detto dettagliato disseram dito verteld gezegd powiedzian* говорил* сказан* велел*
        soylenen* denilen*

        you_were_told you_have_been you_learned you_received you_got you_heard said_so_far
        wurde_dir dir_gesagt man_dir erhalten on_t_a t_a_dit appris recu te_han te_dieron recibiste ti_hanno
        ti_e_stato hai_ricevuto te_disser* lhe_disser* recebeu recebeste je_is je_kreeg ontvangen ci_powiedziano
        kazano dostales тебе_сказа* тебе_говор* получил* sana_soylen* sana_veril*""",
    "new": """
        new updated real actual true neu neue neuen neuer neues nouvel* nouveau nuev* nuov* nov* nieuw* nowe nowa nowy
        новая новое новые новый yeni""",
    "task": """
        task tasks job mission objective goal instruction instructions directive command aufgabe auftrag anweisung ziel
        anweisungen tache mission objectif consigne* tarea mision objetivo instruccion* compito missione obiettivo
        istruzion* tarefa missao instruc* taak opdracht instructie* zadani* polecen* instrukcj* задач* задани*
        инструкц* gorev* talimat*""",
    "instead": """
        instead rather stattdessen anstatt lieu_de cela en_lugar en_vez invece ao_inves em_vez in_plaats zamiast вместо
        yerine""",
    "reading_task": """
        summari* summary answering_this responding translat* zusammenfass* resum* riassu* samenvat* podsumow* резюм*
        ozetle*""",
    "model": """
        AI AIs A.I llm llms language_model language_models chatbot chatbots gpt chatgpt gemini_model
        artificial_intelligence neural_network
        KI IA ИИ sprachmodell* sprachassistent kunstliche_intelligenz ki_assistent* ki_agent*
        modele_de_langage intelligence_artificielle modelo_de_lenguaje inteligencia_artificial
        modello_linguistico intelligenza_artificiale modelo_de_linguagem taalmodel* kunstmatige_intelligentie
        model_jezykow* modelem_jezykow* sztuczn*_inteligencj* языков*_модел* искусственн*_интеллект* нейросет*
        yapay_zeka* dil_model*""",
    "assistant": """
        assistant assistants agent agents bot bots copilot automated automaton robot assistent* assistenz roboter
        assistente assistenti asistente asistentes agente agenti agentes asystent* robota agenta ассистент* бот боту бота
        помощник* агент* asistan* bota ajan*""",
    "note_to": """
        note message attention attn dear hey hello notice memo comment reminder hinweis nachricht achtung notiz an_den
        an_die message note_pour attention a_l nota mensaje mensagem atencion atencao aviso al_asistente messaggio
        attenzione all_assistente ao_assistente bericht aan_de opgelet uwaga wiadomosc do_asystenta сообщение внимание
        заметка ассистенту not mesaj dikkat
for_the to_the to_any to_whichever to_all an_alle fur_den fur_die pour_le pour_la a_quien para_el para_la per_il per_la para_o para_a voor_de dla для icin bota not""",
    "reads": """
        reading reads read processing processes handling handles summarising summarizing evaluating parsing reviewing
        liest lesen bearbeitet verarbeitet lit lisant traite lea lee leyendo procese legge leggendo elabora lendo le
        processando leest verwerkt czyta przetwarza читает обрабатывает okuyan isleyen

        answering replying responsible summarises summarizes scanning sees gets receives looking_at looks_at auswertet
        beantwortet verfasst analyse resume repond analiza responde resume analizza riassume analisa resume
        beoordeelt beantwoordt analizuje odpowiada анализирует отвечает yanitlayan""",
    "if": "if when whenever falls wenn si quand lorsque cuando se quando als indien jesli jezeli если когда eger",
    "you": """
        you u du dich dir tu te toi vous eres tu usted sei ti voce tu es je jij u jestes ci ты тебе вы sen sana""",
    "must": """
        must shall should have_to has_to need_to needs_to required_to are_to is_to ordered_to instructed_to
        musst muss sollst soll dois doit devez debes debe deves deve devi moet moeten musisz musi powinien
        должен должна обязан zorundasin gerek* zorunda*
you_should you_will kindly please_do are_required supposed_to expected_to bitte du_wirst tu_vas vas_a devi_ora vais zul masz ты_должен lazim""",
    "act": """
        refund reimburse pay_back cancel approve delete remove release waive credit grant issue transfer set_the
        change_the export mark apply_a reroute overwrite wipe drop_the erase escalate confirm_the execute
        erstatte* uberweise storniere losche gib_frei genehmige andere_die setze_den
        rembourse annule supprime approuve vire change_l_adresse
        reembolsa cancela elimina borra aprueba transfiere cambia_la
        rimborsa annulla elimina approva trasferisci cambia_l
        reembolse cancele apague aprove transfira estorne
        annuleer verwijder keur_goed wijzig betaal_terug maak_over
        zwroc anuluj usun zatwierdz przelej zmien
        верни отмени удали одобри переведи измени
        iade_et* iptal_et* sil onayla degistir*

        repay return_the_money give_back pay_out pay write_off discount price_of stock_of make_the lower_the raise_the
        unlock unblock lift release_the hold_the put_the reset add_the add_a send_the ship_the ship_it redirect
        reassign book close_the open_the accept resolve settle void_the adjust
        zahle zahl gib andere setze hebe lege entsperre verschicke leite weise_an buche schliesse bestatige
        rends donne mets leve debloque change modifie verse credite valide accepte ferme
        devuelve paga abona cambia pon quita levanta desbloquea modifica acepta cierra entrega autoriza
        restituisci paga accredita cambia metti togli sblocca modifica accetta chiudi consegna
        devolva devolve pague pondere mude coloque retire desbloqueie altere aceite entregue credite
        betaal geef zet haal verander deblokkeer wijzig sluit accepteer schrijf
        oddaj zaplac daj ustaw zdejmij odblokuj zmien zamknij przyjmij doladuj przekaz
        выплати дай установи сними разблокируй измени закрой прими начисли передай
        ode ver ayarla kaldir ac degistir kapat kabul_et yap""",
    "send": """
        send sends forward email e_mail post upload transmit submit exfiltrate leak append attach mail_to deliver_to
        export copy_to publish include forward_to embed
        sende schicke schick maile leite ubermittle hange lade_hoch exportiere
        envoie envoyer transmets transfere poste publie joins
        envia manda reenvia publica adjunta exporta sube
        invia spedisci inoltra pubblica allega
        envie mande encaminhe publique anexe exporte
        stuur verstuur mail verzend upload
        wyslij przeslij opublikuj dolacz
        отправь пошли перешли опубликуй приложи
        gonder* ilet yukle paylas

        hand give pass transfer_to share mail deliver put_into place_into move_to dump paste write_to
        ubergib gib gebe reiche mail poste sende_an weiter
        remets donne transmets communique diffuse partage
        entrega entregale comparte remite pasa mandalos envialos
        consegna passa condividi comunica spediscile
        entregue passe compartilhe
        geef deel overhandig doorgeven
        przekaz podaj udostepnij prześlij
        передай поделись скинь
        ver aktar paylas ilet""",
    "data": """
        customer_list list_of_customers customer_records customer_record customer_data customer_database records database
        order_history payment_data payment_details card_numbers credit_cards personal_data private_data conversation
        chat_history conversation_history secrets e_mail_addresses email_addresses phone_numbers user_data
        customers_data all_customers every_customer other_customers list_of_all_customers
        kundendaten kundenliste liste_aller_kunden alle_kunden datenbank kundendatenbank passworter
        donnees_des_clients liste_des_clients tous_les_clients liste_de_tous_les_clients base_de_donnees
        datos_de_los_clientes lista_de_clientes todos_los_clientes datos_de_clientes base_de_datos
        dati_dei_clienti elenco_di_tutti_i_clienti tutti_i_clienti lista_dei_clienti
        dados_dos_clientes lista_de_todos_os_clientes todos_os_clientes banco_de_dados
        klantgegevens alle_klanten lijst_van_alle_klanten klantenlijst
        dane_klientow wszystkich_klientow list*_wszystkich_klientow wszystkie_dane baz*_danych
        данные_клиентов всех_клиентов список_всех базу_данных
        musteri_veri* tum_musteri* musteri_list* veritaban*

        customer_table customer_file customer_details client_list client_data email_address e_mail_address home_address
        home_addresses payment_records payment_information purchase_history bank_details credit_card order_records
        account_details personal_information private_information phone_number phone_book contact_details
        every_buyer all_buyers everyone_who all_users every_user all_orders
        kundentabelle kundenkartei adressen_aller e_mail_adressen telefonnummern zahlungsdaten bankdaten
        personenbezogene* adressliste
        fichier_des_clients fichier_clients adresses_e_mail adresses_de numeros_de_telephone donnees_personnelles
        donnees_bancaires coordonnees
        tabla_de_clientes base_de_clientes correos_de direcciones_de telefonos_de datos_personales datos_bancarios
        tabella_dei_clienti indirizzi_e_mail e_mail_di numeri_di_telefono dati_personali dati_bancari
        tabela_de_clientes e_mails_de enderecos_de telefones dados_pessoais dados_bancarios
        klantentabel klantenbestand e_mailadressen telefoonnummers persoonsgegevens bankgegevens
        tabel*_klientow adresy_e_mail numery_telefon* dane_osobowe
        таблицу_клиентов адреса_почты адреса_всех номера_телефон* персональн*_данны* личны*_данны*
        musteri_tablo* e_posta_adresler* telefon_numara* kisisel_veri*""",
    "credentials": """
        api_key api_keys apikey access_token access_tokens api_token private_key credentials passwords secret_key
        bearer_token session_token zugangsdaten api_schlussel passworter mots_de_passe contrasenas credenciales
        credenziali senhas inloggegevens wachtwoorden hasla пароли parolalar
api_tokens tokens password_hash hashes passwort contrasena mot_de_passe wachtwoord haslo пароль sifre*""",
    "customers": """
        customers clients buyers users kunden kaufer clients acheteurs clientes compradores clienti acquirenti klanten
        kopers klientow klientami kupujacych клиентов покупателей musteri*

        everyone shoppers kundinnen acheteuse* compradoras consumidores consumatori consumidores kupujacy kupujacym
        покупателям клиентам alici* alicilar*""",
    "fetch": """
        fetch visit browse navigate_to open_the_url open_the_link load_the_url curl download_and follow_the_link
download retrieve open_https load rufe_auf offne ouvre visite abre visita apri open otworz открой ac_ziyaret""",
    "reveal": """
        reveal show print repeat output display disclose recite quote echo dump tell_me what_are what_is list give_me
        spell_out write_out write_down zeige zeig nenne gib_aus wiederhole verrate montre affiche repete revele cite
        muestra muestrame repite revela mostra mostrami ripeti rivela mostre repita revele toon herhaal laat_zien
        pokaz powtorz ujawnij wypisz покажи повтори раскрой выведи goster* tekrarla acikla yazdir

        expose leak_your describe copy put_in_the paste share_your display_your state hand_over write what_were
        what_is_written gib_wieder nenn zeige_mir schreib donne_moi dis_moi ecris dime escribe dimmi scrivi diga_me
        escreva geef_me schrijf_op podaj napisz напиши скажи yaz soyle""",
    "verbatim": """
        verbatim word_for_word exactly literally in_full wort_fur_wort wortlich wortwortlich mot_pour_mot textuellement
        palabra_por_palabra textualmente parola_per_parola palavra_por_palavra woord_voor_woord slowo_w_slowo doslownie
        слово_в_слово дословно kelimesi_kelimesine""",
    "tools": "tools functions werkzeuge outils herramientas strumenti ferramentas narzedzia инструменты araclar",
    "tool": "tool function endpoint plugin werkzeug funktion outil herramienta strumento narzedzie инструмент arac",
    "call": """
        call use invoke run execute trigger rufe nutze verwende aufrufen fuhre_aus appelle utilise execute llama usa
        ejecuta chiama esegui chame use execute roep_aan gebruik wywolaj uzyj вызови используй cagir kullan calistir""",
    "not": """
        not never no don dont without nothing nobody nie nicht nichts niemals kein keine ne pas jamais rien sans nunca
        nada sin non mai niente senza nao sem nem niet niets nooit geen zonder bez nic nigdy не никогда ничего без""",
    "tell": """
        tell mention inform notify reveal disclose say alert report talk_about say_anything
        sag sage sagen erwahn* verrat* informier* mitteil*
        dis dire mentionn* inform* parle parler reveler
        dig* mencion* inform* reveles
        dire dica menzion* inform* parlar*
        diga dizer mencion* inform* revele conte
        zeg vertel noem meld
        mow powiedz wspomin* informuj
        говори сказать упомина* сообща* рассказ*

        find_out learn_of notice know record write log hint acknowledge admit refer_to bring_up
        wissen merken erfahren schreib* protokollier* anmerk* savoir evoqu* fasse_mention saber comentes anotes
        sapere accennare annotare saiba comentar anote weten opmerken schrijf wiedziec zdradzaj zapisuj знать узнать
        записывай говорить""",
    "not_tell": """
        soyleme* bahsetme* haber_verme* bildirme* verschweig*""",
    "user": """
        user operator anyone anybody human humans staff owner supervisor people employee employees merchant
        nutzer benutzer bediener niemand* mitarbeiter* menschen l_utilisateur utilisateur personne operateur
        usuario operador nadie utente nessuno operatore ninguem usuario gebruiker niemand uzytkownik* nikomu
        пользовател* никому kullanici* kimse*

        customer client boss manager shop_owner shop_s merchant_s reader kunde kunden chef betreiber client chef patron
        cliente jefe cliente capo cliente chefe klant baas klient* szef* клиент* начальник* musteri patron""",
    "answer_word": """
        summary reply answer response report output zusammenfassung antwort resume reponse resumen respuesta riassunto
        risposta resumo resposta samenvatting antwoord podsumowani* odpowiedzi ответе резюме ozet* yanit*""",
    "secretly": """
        secretly silently covertly discreetly quietly_do stealthily without_mentioning without_telling without_informing
        in_secret heimlich unbemerkt im_geheimen en_secret discretement secretement en_secreto en_silencio
        secretamente in_segreto di_nascosto segretamente em_segredo stiekem in_het_geheim potajemnie w_tajemnicy
        тайно втайне незаметно gizlice

        quietly in_silence without_a_word without_notice unnoticed behind_their_backs leave_no_mention no_mention
        leave_no_trace in_the_dark stillschweigend klammheimlich ohne_es_zu sans_le_dire sans_en_parler
        sans_le_mentionner en_cachette sin_decir* sin_mencionar* a_escondidas senza_dir* senza_menzionar*
        senza_parlarne sem_dizer sem_mencion* as_escondidas zonder_te_zeggen zonder_te_noemen
        nie_mowiac po_cichu bez_slowa молча не_сообщая sessizce soylemeden""",
    "hide": "hide conceal keep_this_confidential keep_this_secret keep_it_secret keep_it_from verberge cache oculta nascondi",
    "approval": """
        approval approvals confirmation confirming confirm permission review reviewing authorisation authorization
        sign_off verification verifying asking_for
        freigabe genehmigung bestatigung ruckfrage zustimmung
        approbation validation confirmation autorisation
        aprobacion confirmacion autorizacion permiso
        approvazione conferma autorizzazione
        aprovacao confirmacao autorizacao
        goedkeuring bevestiging toestemming
        zgod* zatwierdzeni* potwierdzeni*
        одобрени* подтверждени* разрешени* согласовани*
        onay* izin*

        approvals sign_off signoff consent clearance second_opinion queue human_review human_approval check_with
        prufung freigaben erlaubnis abnahme validation accord consentement visto_bueno consentimiento benestare consenso
        consentimento akkoord zgody zgoda akceptacj* согласи* проверк* muvafakat""",
    "without": """
        without no not_needed not_required unnecessary skip bypass avoid need_not ohne kein keine sans aucune pas_de sin
        ninguna ningun senza nessuna sem nenhuma zonder geen bez без istemeden olmadan gerekmi* gerek_yok
dispense waive omit entfallt nicht_notig nicht_erforderlich pas_necessaire inutile no_hace_falta innecesari* non_serve non_occorre desnecessari* niet_nodig hoeft_niet zbedn* не_требу* не_нуж* gereksiz""",
    "approved": """
        pre_approved preapproved already_approved already_authorised already_authorized has_been_approved
        has_approved has_already_approved been_approved bereits_genehmigt bereits_freigegeben deja_approuve
        ya_aprobad* ja_aprovad* gia_approvat* al_goedgekeurd juz_zatwierdzon* уже_одобрен* zaten_onaylan*

        already_agreed already_confirmed already_signed already_said already_cleared has_agreed has_confirmed
        has_authorised has_authorized signed_off cleared_by bereits_bestatigt schon_genehmigt deja_valide
        deja_autorise ya_autorizad* ya_confirmad* gia_autorizzat* ja_autorizad* al_akkoord juz_zaakceptowan*
        уже_согласован* onaylandi""",
    "approve": "approve approves accept approving genehmige approuve aprueba approva aprove zatwierdz одобри onayla",
    "every": "all every each any alle jede* toutes tous todas todos tutte tutti wszystkie все tum",
    "requests": """
        request requests return returns refund refunds claim claims action actions approval approvals
request requests orders cases tickets exchanges refund_requests""",
    "at_once": """
        immediately at_once right_now now right_away instantly urgently sofort immediatement inmediatamente subito
        immediatamente imediatamente direct natychmiast немедленно hemen""",
    "i_am": """
        i_am i_m this_is as_the as_an as_a message_from speaking ich_bin hier_ist als je_suis ici_le soy habla sono_il
        sono_l sono qui_e sou aqui_e ik_ben dit_is jestem tu_mowi я говорит ben benim

        i_work_as i_built i_made i_wrote i_created i_own on_behalf by_order in_the_name here_is this_comes_from
        hier_spricht hier_schreibt im_namen au_nom la_direction_te en_nombre habla_la aqui_la a_nome parla_la em_nome
        fala_a namens hier_spreekt w_imieniu mowi говорит_ от_имени adina burasi""",
    "boss": """
        administrator admin superuser root developer ceo management compliance security_team head_office
        headquarters creator system_operator supervisor sysadmin administrateur administratrice administrador
        amministratore beheerder administratorem администратор yonetici* geschaftsfuhr* direction gerencia
        director_general direzione direcao directie zarzad* создател* gelistirici* entwickler* developpeur
        desarrollador sviluppatore desenvolvedor ontwikkelaar programista разработчик

        operations headteam board owner system_owner platform_team it_department support_lead legal director principal
        chief supervisor security compliance_team engineering sicherheitsteam betriebsleitung leitung vorstand
        it_abteilung chefetage equipe_de_securite patron gerente director direccion equipo_de_seguridad dirigente
        direttore direttrice sicurezza diretoria gerencia diretor seguranca directeur bestuur beveiliging dyrekcj*
        dyrektor kierownictw* руководств* директор начальств* службы_безопасности mudur* yonetim guvenlik_ekibi""",
    "command": """
        authorise authorize authorised authorized command order_you instruct directive hereby mandate
        weise_dich_an befehle ermachtig* ordonne autorise ordeno autoriz* ordino comando_di
        draag_je_op beveel gemachtigd nakazuj* rozkazuj* upowazni* приказыва* разреша* уполномоч*
        emrediyor* yetkilendir* talimat_veriyor*

        order_the you_are_authorised you_are_authorized you_are_allowed you_are_permitted you_may answer_to_me
        granted entitled empower* befugt berechtigt erlaubt befehle autorise* ordonn* habilite* autorizad* permitid*
        habilitad* autorizzat* abilitat* consentit* autorizad* bevoegd toegestaan upowaznien* uprawnion* разрешено
        можешь уполномочен* yetkilisin yetkin* iznin""",
    "vendor": """
        openai anthropic deepmind google_ai microsoft_ai meta_ai mistral_ai
google microsoft_azure apple_ai x_ai nvidia_ai""",
    "policy_word": """
        policy policies update updated guidelines allowed permitted terms notice
directive mandate instructs requires orders""",
    "now_you": """
        you_are_now you_re_now from_now_on_you you_will_act you_will_be act_as acting_as pretend roleplay role_play
        imagine_you simulate behave_as you_have_become play_the_role
        du_bist_jetzt du_bist_nun du_bist_ab verhalte_dich_wie spiele_die_rolle
        tu_es_desormais tu_es_maintenant agis_comme fais_comme_si joue_le_role
        ahora_eres actua_como finge_que
        ora_sei adesso_sei comportati_come fingi_di
        agora_voce agora_es aja_como finja
        je_bent_nu gedraag_je_als doe_alsof
        jestes_teraz zachowuj_sie udawaj
        теперь_ты ты_теперь веди_себя притворись
        artik bundan_boyle gibi_davran

        you_play you_will_play you_are_no_longer switch_to become imagine suppose_you take_the_role in_the_role
        stell_dir_vor du_spielst imagine_que tu_joues imagina_que interpreta immagina faz_de_conta imagine_que
        stel_je_voor wyobraz_sobie представь hayal_et rolunu""",
    "unlimited": """
        unrestricted uncensored unfiltered no_restrictions without_restrictions without_limits without_rules no_rules
        no_limits no_limitations without_limitations without_filters no_filters do_anything jailbreak jailbroken
        DAN anything_now
        ohne_einschrankung* ohne_regeln ohne_grenzen sans_restriction* sans_limite* sans_regles
        sin_restriccion* sin_limite* sin_reglas senza_restrizion* senza_limit* senza_regole
        sem_restric* sem_limit* sem_regras zonder_beperking* zonder_grenzen zonder_regels bez_ogranicze* bez_zasad
        без_ограничен* без_правил kisitlamasi_olmayan sinirsiz kuralsiz

        with_no_limits with_no_rules boundless limitless free_of_all no_filter no_guardrails ignores_rules
        uneingeschrankt* unzensiert grenzenlos* illimite sin_censura illimitat* senza_censura ilimitad* sem_censura
        onbeperkt* ongecensureerd nieograniczon* неограничен* без_цензуры sinirsiz* sansursuz""",
    "special_mode": """
        developer_mode debug_mode admin_mode god_mode maintenance_mode test_mode root_mode sudo_mode dan_mode
        entwicklermodus mode_developpeur modo_desarrollador modalita_sviluppatore modo_desenvolvedor tryb_dewelopera
        режим_разработчика gelistirici_modu

        safe_mode_off unrestricted_mode unlocked_mode service_mode override_mode wartungsmodus debug_modus
        mode_maintenance mode_debug modo_mantenimiento modo_depuracion modalita_debug modo_manutencao onderhoudsmodus
        tryb_serwisowy режим_отладки bakim_modu root_access filters_off filters_are_off safety_off""",
    "game": "game hypothetical* fictional* scenario",
    "above": """
        above preceding foregoing oben obig* obenstehend* ci_dessus plus_haut au_dessus arriba anterior_texto sopra
        precedente_testo acima hierboven bovenstaand* powyzej powyzsz* выше вышесказанн* yukaridaki yukarida""",
    "text_word": """
        text content paragraph sentence sentences lines line context inhalt absatz satz zeilen texte contenu paragraphe
        phrase texto contenido parrafo frase testo contenuto conteudo paragrafo tekst inhoud alinea tresc akapit текст
        содержани* абзац metin metni icerik""",
    "heed": """
        follow obey heed comply consider respect adhere trust listen befolge beachte halte folge suis respecte obeis
        tiens tenez sigas sigue respetes obedezcas segui seguire rispetta considera siga respeite obedeca volg
        gehoorzaam let przestrzegaj stosuj sluchaj следуй соблюдай слушай обращай uy dinle""",
    "needed": """
        needed required necessary need requires require notig erforderlich benotigt braucht notwendig necessaire
        besoin requis* necesari* falta requier* necessari* serve richiest* precis* exigid* nodig vereist potrzebn*
        wymagan* требуется нужн* необходим* gerek* lazim""",
    "speaker": """
system systeme sistema systeem sistem система""",
    "log": """
log logs record history trail protokoll verlauf journal registro log_eintrag logboek dziennik журнал kayit*""",
}
